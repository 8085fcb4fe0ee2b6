//! Who comes in, who doesn't, and who doesn't any more.

use super::*;
use hostler_core::Timestamp;
use hostler_core::changes::Changes;
use hostler_store::RedbStore;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Door {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    password: Secret,
}

impl Door {
    async fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let access = Access::new(Arc::clone(&store), ["root".parse().unwrap()]);
        let password = access.first_user(name("admin")).await.unwrap().unwrap();
        Self { store, access, password }
    }

    async fn session(&self, user: &str, password: &Secret) -> Secret {
        self.access.log_in(user, password.clone(), HOME).await.unwrap()
    }

    async fn admin(&self) -> Person {
        let session = self.session("admin", &self.password).await;
        self.access.person(session.expose()).unwrap()
    }

    async fn local(&self) -> Person {
        let (token, _) = self.access.local_token(None).await.unwrap();
        self.access.person(token.expose()).unwrap()
    }

    async fn token(&self, person: &Person, right: Right) -> String {
        self.access.make_token(person, NewToken { label: "ci".into(), right, days: 1 }).await.unwrap().token
    }

    async fn add(&self, user: &str, right: Right) -> Secret {
        let password = secret("correct horse battery");
        let new = NewUser { name: name(user), password: password.clone(), right };
        self.access.add_user(&self.admin().await, new).await.unwrap();
        password
    }

    fn holds(&self, token: &str) -> bool {
        self.access.viewer(token).is_ok()
    }
}

fn name(name: &str) -> UserName {
    name.parse().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn is_slowed<T>(outcome: Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::TooMany { .. }))
}

#[tokio::test]
async fn the_first_user_logs_in_and_out() {
    let door = Door::new().await;
    assert!(door.access.first_user(name("admin2")).await.unwrap().is_none(), "there is somebody already");
    let session = door.session("admin", &door.password).await;
    assert_eq!(door.access.viewer(session.expose()).unwrap().right, Right::Administer);
    door.access.log_out(session.expose()).await.unwrap();
    assert!(!door.holds(session.expose()));
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same_and_are_slowed_down() {
    let Door { access, password, .. } = Door::new().await;
    let one = access.log_in("admin", secret("wrong"), HOME).await.unwrap_err();
    let other = access.log_in("nobody", secret("wrong"), HOME).await.unwrap_err();
    assert_eq!(one, other);
    for _ in 0..20 {
        let _ = access.log_in("admin", secret("wrong"), HOME).await;
    }
    assert!(is_slowed(access.log_in("admin", password, HOME).await));
}

#[tokio::test]
async fn one_users_wrong_passwords_dont_shut_out_their_neighbours() {
    let door = Door::new().await;
    let grace = door.add("grace", Right::See).await;
    for _ in 0..20 {
        let _ = door.access.log_in("admin", secret("wrong"), HOME).await;
    }
    assert!(is_slowed(door.access.log_in("admin", door.password.clone(), HOME).await));
    door.session("grace", &grace).await;
}

#[tokio::test]
async fn a_source_that_tries_many_users_is_slowed_down() {
    let Door { access, .. } = Door::new().await;
    for n in 0..51 {
        let outcome = access.log_in(&format!("user{n}"), secret("wrong"), HOME).await;
        assert!(!is_slowed(outcome), "{n}");
    }
    assert!(is_slowed(access.log_in("somebody-else", secret("wrong"), HOME).await));
}

#[tokio::test]
async fn who_may_not_learns_what_their_token_may() {
    let door = Door::new().await;
    let token = door.token(&door.admin().await, Right::See).await;
    let viewer = door.access.viewer(&token).unwrap();
    let refused = need(&viewer, Right::Operate).unwrap_err().to_string();
    assert_eq!(refused, "this token or log-in may only see the fleet; the right to operate the fleet is needed");
}

#[tokio::test]
async fn many_guesses_at_the_same_time_are_slowed_down_like_many_one_after_the_other() {
    let door = Door::new().await;
    let guesses = (0..100).map(|_| door.access.log_in("admin", secret("wrong"), HOME));
    let outcomes = futures::future::join_all(guesses).await;
    let tried = outcomes.into_iter().filter(|outcome| matches!(outcome, Err(ServiceError::Forbidden(_)))).count();
    assert!((1..=6).contains(&tried), "{tried} were tried");
}

#[tokio::test]
async fn who_knows_the_password_is_not_slowed_down_by_coming_often() {
    let door = Door::new().await;
    for _ in 0..8 {
        door.session("admin", &door.password).await;
    }
}

#[tokio::test]
async fn guessing_the_old_password_is_slowed_down() {
    let door = Door::new().await;
    let admin = door.admin().await;
    let change = |old: Secret| door.access.change_password(&admin, old, secret("correct horse battery"), HOME);
    for _ in 0..6 {
        assert!(change(secret("wrong")).await.is_err());
    }
    assert!(is_slowed(change(door.password.clone()).await));
}

#[tokio::test]
async fn a_token_never_allows_more_than_its_maker_and_makes_no_other() {
    let door = Door::new().await;
    let admin = door.admin().await;
    let token = door.token(&admin, Right::See).await;
    assert_eq!(door.access.viewer(&token).unwrap().right, Right::See);
    let whole = door.token(&admin, Right::Administer).await;
    for program in [&token, &whole] {
        assert!(matches!(door.access.person(program), Err(ServiceError::Forbidden(_))));
    }
    let ada = door.add("ada", Right::See).await;
    let ada = door.access.person(door.session("ada", &ada).await.expose()).unwrap();
    let more = NewToken { label: "more".into(), right: Right::Operate, days: 1 };
    assert!(door.access.make_token(&ada, more).await.is_err());
}

#[tokio::test]
async fn a_token_that_is_revoked_is_nothing() {
    let door = Door::new().await;
    let local = door.local().await;
    let made =
        door.access.make_token(&local, NewToken { label: "ci".into(), right: Right::See, days: 1 }).await.unwrap();
    door.access.revoke(&local, &made.view.id).await.unwrap();
    assert!(!door.holds(&made.token));
}

#[tokio::test]
async fn who_knew_the_old_password_is_out() {
    let door = Door::new().await;
    let (other, own) = (door.session("admin", &door.password).await, door.session("admin", &door.password).await);
    let person = door.access.person(own.expose()).unwrap();
    let token = door.token(&person, Right::Administer).await;
    let (local, _) = door.access.local_token(None).await.unwrap();
    let (old, new) = (door.password.clone(), secret("correct horse battery"));
    let ended = door.access.change_password(&person, old.clone(), new.clone(), HOME).await.unwrap();
    assert_eq!(ended, Ended { sessions: 1, tokens: 1 });
    assert!(!door.holds(other.expose()) && !door.holds(&token));
    assert!(door.holds(own.expose()), "who changed it goes on");
    assert!(door.holds(local.expose()), "the command line on the node has nothing to do with the password");
    assert!(door.access.log_in("admin", old, HOME).await.is_err());
    door.session("admin", &new).await;
}

#[tokio::test]
async fn who_was_shut_out_while_the_password_was_verified_gets_no_session() {
    let door = Door::new().await;
    let ada = door.add("ada", Right::See).await;
    // The log-in waits for the change that is under way, which it finds done.
    let changing = door.access.changing.lock().await;
    let access = Arc::clone(&door.access);
    let log_in = tokio::spawn(async move { access.log_in("ada", ada, HOME).await });
    let user = door.store.user(&name("ada")).unwrap().unwrap();
    let gone = Change::User { name: name("ada"), expect: Expect::Version(user.version), value: None };
    door.store.commit(gone.into()).await.unwrap();
    drop(changing);
    assert!(matches!(log_in.await.unwrap(), Err(ServiceError::Forbidden(_))));
    let left = door.store.tokens().unwrap();
    assert!(left.iter().all(|(_, token)| token.user != name("ada")), "{left:?}");
}

#[tokio::test]
async fn a_lost_password_is_replaced_at_the_node_itself() {
    let door = Door::new().await;
    let (admin, local) = (door.admin().await, door.local().await);
    let token = door.token(&admin, Right::See).await;
    assert!(door.access.new_password(&admin, &name("admin")).await.is_err(), "a session alone isn't enough");
    let made = door.access.new_password(&local, &name("admin")).await.unwrap();
    assert!(made.ended.sessions > 0 && made.ended.tokens == 1 && !door.holds(&token), "{made:?}");
    assert!(door.access.log_in("admin", door.password.clone(), HOME).await.is_err());
    door.session("admin", &Secret::new(made.password)).await;
    assert!(matches!(door.access.new_password(&local, &name("nobody")).await, Err(ServiceError::NotFound(_))));
}

#[tokio::test]
async fn only_administrators_manage_users() {
    let door = Door::new().await;
    let ada = door.add("ada", Right::Operate).await;
    let ada = door.access.person(door.session("ada", &ada).await.expose()).unwrap();
    let new = NewUser { name: name("eve"), password: secret("correct horse battery"), right: Right::Own };
    assert!(door.access.add_user(&ada, new).await.is_err());
    assert!(door.access.new_password(&ada, &name("admin")).await.is_err());
    assert!(door.access.remove_user(&ada, &name("admin")).await.is_err());
    assert!(door.access.users(ada.viewer()).is_err());
}

#[tokio::test]
async fn who_is_removed_is_out_and_comes_back_as_somebody_new() {
    let door = Door::new().await;
    let ada = door.add("ada", Right::See).await;
    let session = door.session("ada", &ada).await;
    let token = door.token(&door.access.person(session.expose()).unwrap(), Right::See).await;
    door.access.remove_user(&door.admin().await, &name("ada")).await.unwrap();
    assert!(!door.holds(session.expose()) && !door.holds(&token));
    door.add("ada", Right::Administer).await;
    assert!(!door.holds(session.expose()) && !door.holds(&token), "a former ada's aren't hers");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let door = Door::new().await;
    door.add("ada", Right::Operate).await;
    let local = door.local().await;
    let refused = door.access.remove_user(&local, &name("admin")).await.unwrap_err();
    assert!(matches!(&refused, ServiceError::Conflict(why) if why.contains("last administrator")), "{refused}");
    door.add("grace", Right::Administer).await;
    let (one, other) = (name("admin"), name("grace"));
    let both = tokio::join!(door.access.remove_user(&local, &one), door.access.remove_user(&local, &other));
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    assert!(door.access.person(door.access.local_token(None).await.unwrap().0.expose()).is_ok());
}

#[tokio::test]
async fn the_command_line_s_token_survives_the_administrator_it_was_made_for() {
    let door = Door::new().await;
    let (token, _) = door.access.local_token(None).await.unwrap();
    door.add("grace", Right::Administer).await;
    let local = door.access.person(token.expose()).unwrap();
    door.access.remove_user(&local, &name("admin")).await.unwrap();
    assert_eq!(door.access.viewer(token.expose()).unwrap().user, name("grace"));
}

#[tokio::test]
async fn the_command_line_s_token_lives_a_day_and_the_one_before_until_its_end() {
    let door = Door::new().await;
    // As the first releases stored it: without an end.
    let endless = Token {
        kind: TokenKind::Program,
        label: "command line on the node itself".to_owned(),
        user: name("admin"),
        right: Right::Administer,
        created_at: Timestamp(0),
        expires_at: Timestamp(u64::MAX),
    };
    let change = Change::Token { digest: TokenDigest::of("endless"), value: Some(endless) };
    door.store.commit(Changes::from(change)).await.unwrap();
    let (first, ends) = door.access.local_token(None).await.unwrap();
    let day = Duration::from_secs(86_400);
    assert!(ends <= now().plus(day) && ends > now().plus(day / 2), "{ends}");
    assert!(!door.holds("endless"));
    let (second, _) = door.access.local_token(Some(&first)).await.unwrap();
    assert!(door.holds(first.expose()) && door.holds(second.expose()));
    let (third, _) = door.access.local_token(Some(&second)).await.unwrap();
    assert!(!door.holds(first.expose()) && door.holds(second.expose()) && door.holds(third.expose()));
    let (fourth, _) = door.access.local_token(None).await.unwrap();
    assert!(!door.holds(third.expose()) && door.holds(fourth.expose()), "a node that starts anew ends them all");
}

#[tokio::test]
async fn a_node_that_gets_a_new_token_loses_the_former() {
    let door = Door::new().await;
    let admin = door.admin().await;
    let id: NodeId = "gateway-1".parse().unwrap();
    let first = door.access.add_child(admin.viewer(), id.clone(), Former::Stays).await.unwrap();
    let refused = door.access.add_child(admin.viewer(), id.clone(), Former::Stays).await;
    assert!(matches!(refused, Err(ServiceError::Conflict(_))), "nobody meant to end the former");
    assert_eq!(door.access.child(first.expose()), Some(id.clone()));
    let second = door.access.add_child(admin.viewer(), id.clone(), Former::Ends).await.unwrap();
    assert_eq!(door.access.child(first.expose()), None);
    assert_eq!(door.access.child(second.expose()), Some(id));
}

#[tokio::test]
async fn e08_no_child_has_this_node_s_own_name() {
    let door = Door::new().await;
    let admin = door.admin().await;
    let refused = door.access.add_child(admin.viewer(), "root".parse().unwrap(), Former::Stays).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Invalid(_)), "{refused}");
}
