//! The page of schedules over real HTTP: made, shown, changed, and refused with what would be right.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::viewer::Right;
use site::Site;

const OURS: &str = "sec-fetch-site: same-origin";

#[tokio::test]
async fn d07_a_form_makes_a_schedule_that_asks_devices_and_its_page_changes_it() {
    let site = Site::with_devices(3).await;
    let cookie = site.cookie().await;
    let empty = site.get("/schedules", &[&cookie]).await;
    assert!(empty.body.contains("No schedules yet"), "{}", empty.body);
    // When it comes is shown before it is made, without script.
    let asked = "/schedules?name=x&calendar=30+2+*+*+1-5&zone=Europe%2FBerlin";
    let shown = site.get(asked, &[&cookie]).await;
    assert!(shown.body.contains("It comes next at") && shown.body.contains(" UTC"), "{}", shown.body);
    let never = site.get("/schedules?calendar=0+0+30+2+*", &[&cookie]).await;
    assert!(never.body.contains("never comes"), "{}", never.body);

    let form = "name=Monday+call&calendar=0+7+*+*+1&zone=Europe%2FBerlin&work=command&command=identify&\
                arguments=by%3Ddisplay%0D%0Amessage%3DGood+morning&within=30&site=berlin&missed=skip";
    let made = site.post("/schedules", &[&cookie, OURS], form).await;
    assert_eq!(made.header("location"), Some("/schedules?done=scheduled"), "{made:?}");
    let token = site.token(Right::See).await;
    let view = site.get("/api/v1/schedules/monday-call", &[&token]).await.json();
    assert_eq!(view["shall"], "tell every device at berlin: identify");
    assert_eq!(view["work"]["within_s"], 1_800);
    assert_eq!(view["work"]["asked"]["arguments"]["message"], "Good morning");
    let list = site.get("/schedules?done=scheduled", &[&cookie]).await;
    assert!(list.body.contains("Monday call") && list.body.contains("Europe/Berlin"), "{}", list.body);

    let page = site.get("/schedules/monday-call", &[&cookie]).await;
    for kept in ["message=Good morning", "value=\"berlin\"", "value=\"30\"", "Run now", "value=\"identify\""] {
        assert!(page.body.contains(kept), "{kept}: {}", page.body);
    }
    let form = "name=Monday+call&calendar=daily&work=sleep&devices=example-sn000000+example-sn000001";
    let edited = site.post("/schedules/monday-call", &[&cookie, OURS], form).await;
    assert_eq!(edited.header("location"), Some("/schedules/monday-call?done=placed"), "{edited:?}");
    let view = site.get("/api/v1/schedules/monday-call", &[&token]).await.json();
    assert_eq!(view["shall"], "put to sleep example-sn000000, example-sn000001");

    // What can't be is said beside what was typed.
    for (form, said) in [
        ("name=A&calendar=61+*+*+*+*&work=read", "the minute"),
        ("name=A&calendar=daily&work=command&command=", "no device has a command"),
        ("name=A&calendar=daily&work=command&command=identify&arguments=loud", "tells a command nothing"),
        ("name=A&calendar=daily&work=counters&within=soon", "no number of minutes"),
        ("name=A&calendar=daily&work=counters&within=99999999", "a request may take from"),
        ("name=A&calendar=daily&work=counters&devices=nothing", "there is no device nothing"),
        ("name=Monday+call&calendar=daily&work=discover", "is taken"),
    ] {
        let refused = site.post("/schedules", &[&cookie, OURS], form).await;
        assert!((400..500).contains(&refused.status), "{form}: {refused:?}");
        let told = refused.body.to_lowercase();
        assert!(told.contains(said) && told.contains("role=\"alert\""), "{form}: {}", refused.body);
    }

    for (order, done) in [("pause", "paused"), ("resume", "resumed"), ("run", "runs")] {
        let answer = site.post(&format!("/schedules/monday-call/{order}"), &[&cookie, OURS], "").await;
        let back = format!("/schedules/monday-call?done={done}");
        assert_eq!(answer.header("location"), Some(back.as_str()), "{answer:?}");
    }
    let gone = site.post("/schedules/monday-call/remove", &[&cookie, OURS], "").await;
    assert_eq!(gone.header("location"), Some("/schedules?done=unscheduled"), "{gone:?}");
    assert_eq!(site.get("/schedules/monday-call", &[&cookie]).await.status, 404);
}
