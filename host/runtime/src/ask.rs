//! Which function of a plug-in a question is, and what of its answer is an answer.

use crate::bindings::driver;
use crate::call::{Answer, Failure, Guest, Question};
use crate::convert;
use crate::describe;
use crate::engine::Loaded;
use wasmtime::{Result, Store};

/// Asks a fresh instance.
pub(crate) async fn ask(
    plugin: &Loaded,
    store: &mut Store<Guest>,
    question: &Question,
) -> Result<Result<Answer, Failure>> {
    match question {
        Question::Recognise | Question::Identify | Question::Read | Question::TakeNotice(_) => {
            of_driver(plugin, store, question).await
        }
        Question::DescribeCommands | Question::RunCommand { .. } => of_commands(plugin, store, question).await,
        Question::LookAtPanel | Question::ShowOnPanel(_) => of_panel(plugin, store, question).await,
        Question::PowerState | Question::SetPower(_) => of_power(plugin, store, question).await,
    }
}

async fn of_driver(plugin: &Loaded, store: &mut Store<Guest>, question: &Question) -> Result<Result<Answer, Failure>> {
    let instance = plugin.driver.instantiate_async(&mut *store).await?;
    let driver = instance.hostler_plugin_driver();
    Ok(match question {
        Question::Recognise => {
            let answer = driver.call_recognise(store).await?;
            answer.map(|found| Answer::Recognised(found.map(convert::recognition)))
        }
        Question::Identify => {
            driver.call_identify(store).await?.map(|found| Answer::Identified(convert::identity(found)))
        }
        Question::TakeNotice(bindings) => {
            let notice = driver::Notice::Trap(bindings.iter().map(convert::binding_to_guest).collect());
            match driver.call_take_notice(store, &notice).await? {
                Ok(found) => Ok(Answer::Report(found.map(convert::outcome).transpose()?)),
                Err(failure) => Err(failure),
            }
        }
        _ => match driver.call_read(store).await? {
            Ok(found) => Ok(Answer::Report(Some(convert::outcome(found)?))),
            Err(failure) => Err(failure),
        },
    }
    .map_err(convert::failure))
}

async fn of_commands(
    plugin: &Loaded,
    store: &mut Store<Guest>,
    question: &Question,
) -> Result<Result<Answer, Failure>> {
    let Some(offered) = &plugin.commands else { return Ok(Err(lacks(plugin, "no commands"))) };
    let instance = offered.instantiate_async(&mut *store).await?;
    let commands = instance.hostler_plugin_commands();
    let Question::RunCommand { name, arguments } = question else {
        let described = commands.call_describe(store).await?;
        return Ok(Ok(Answer::Commands(describe::commands(described)?)));
    };
    Ok(match commands.call_run(store, name, &describe::arguments(arguments)).await? {
        Ok(deed) => Ok(Answer::Did(convert::deed(deed)?)),
        Err(failure) => Err(convert::failure(failure)),
    })
}

async fn of_panel(plugin: &Loaded, store: &mut Store<Guest>, question: &Question) -> Result<Result<Answer, Failure>> {
    let Some(offered) = &plugin.panel else { return Ok(Err(lacks(plugin, "nothing of a panel"))) };
    let instance = offered.instantiate_async(&mut *store).await?;
    let panel = instance.hostler_plugin_panel();
    let Question::ShowOnPanel(text) = question else {
        return Ok(match panel.call_look(store).await? {
            Ok(view) => Ok(Answer::Panel(describe::panel(view)?)),
            Err(failure) => Err(convert::failure(failure)),
        });
    };
    Ok(match panel.call_show(store, text.lines()).await? {
        Ok(deed) => Ok(Answer::Did(convert::deed(deed)?)),
        Err(failure) => Err(convert::failure(failure)),
    })
}

async fn of_power(plugin: &Loaded, store: &mut Store<Guest>, question: &Question) -> Result<Result<Answer, Failure>> {
    let Some(offered) = &plugin.power else { return Ok(Err(lacks(plugin, "nothing of power"))) };
    let instance = offered.instantiate_async(&mut *store).await?;
    let power = instance.hostler_plugin_power();
    let Question::SetPower(wish) = question else {
        let answer = power.call_state(store).await?;
        return Ok(answer.map(|state| Answer::Power(describe::power(state))).map_err(convert::failure));
    };
    Ok(match power.call_set(store, describe::wish(*wish)).await? {
        Ok(deed) => Ok(Answer::Did(convert::deed(deed)?)),
        Err(failure) => Err(convert::failure(failure)),
    })
}

fn lacks(plugin: &Loaded, what: &str) -> Failure {
    Failure::Unsupported(format!("plug-in {} offers {what}", plugin.component.manifest.name))
}
