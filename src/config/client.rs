//! `[supervisorctl]`.

use super::error::{ConfigError, Fault};
use super::host::Host;
use super::load::{globals, read_main};
use super::paths::{Surroundings, dirname};
use super::percent::Names;
use super::raw::Document;
use super::reader::Context;
use super::types::ClientConfig;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads what `supervisorctl` needs of a config file. Files that the main one includes are not
/// read, as in the original, and what is wrong with other sections does not matter.
///
/// `path` is the file as it was named, `cwd` where it begins if it is relative, `env` the
/// environment.
pub fn load_client(
    path: &str,
    env: &BTreeMap<String, String>,
    cwd: &Path,
    host: &dyn Host,
) -> Result<ClientConfig, ConfigError> {
    let around = Surroundings { cwd, host };
    let mut document = Document::default();
    read_main(&mut document, path, around)?;
    let absolute = around.normalized(path);
    let globals = globals(env);
    let context = Context {
        document: &document,
        globals: &globals,
        around,
        here: dirname(&absolute),
    };
    Ok(client(&context)?)
}

fn client(context: &Context<'_>) -> Result<ClientConfig, Fault> {
    let section = context
        .document
        .section("supervisorctl")
        .ok_or_else(|| Fault::new(".ini file does not include supervisorctl section"))?;
    let around = context.around;
    let (nothing, here) = (Names::new(), context.here_name());
    let (plain, located) = (
        context.view(section, &nothing),
        context.view(section, &here),
    );
    let default = ClientConfig::default();
    let serverurl = located.text("serverurl")?.unwrap_or(default.serverurl);
    let serverurl = match serverurl.strip_prefix("unix://") {
        Some(path) => format!("unix://{}", around.normalized(path)),
        None => serverurl,
    };
    let config = ClientConfig {
        serverurl,
        prompt: plain.text("prompt")?.unwrap_or(default.prompt),
        username: plain.text("username")?,
        password: plain.text("password")?,
        history_file: located
            .text("history_file")?
            .filter(|path| !path.is_empty())
            .map(|path| around.normalized(&path).into()),
    };
    refuse_plugins(context)?;
    Ok(config)
}

/// Further actions are Python's objects in the original; we have none.
fn refuse_plugins(context: &Context<'_>) -> Result<(), Fault> {
    const OPTION: &str = "supervisor.ctl_factory";
    let Some((section, _)) = context.sections_of("ctlplugin:").next() else {
        return Ok(());
    };
    let names = Names::new();
    let view = context.view(section, &names);
    let why = match view.text(OPTION)? {
        None => format!("section [{}] does not specify a {OPTION}", section.name),
        Some(factory) => format!("{factory} cannot be resolved within [{}]", section.name),
    };
    Err(view.fault(OPTION, why))
}

#[cfg(test)]
mod tests {
    use super::super::host::tests::TableHost;
    use super::super::testing::Folder;
    use super::*;

    fn read(text: &str) -> Result<ClientConfig, String> {
        let folder = Folder::new();
        folder.write("x.conf", text);
        let env = [("GREETING".to_owned(), "hi".to_owned())].into();
        let config = load_client("x.conf", &env, folder.path(), &TableHost);
        let here = folder.path().to_string_lossy().into_owned();
        config
            .map(|mut config| {
                config.serverurl = config.serverurl.replace(&here, "HERE");
                config
            })
            .map_err(|error| error.message)
    }

    fn check(options: &str, expected: ClientConfig) {
        let text = format!("[supervisorctl]\n{options}\n");
        assert_eq!(read(&text), Ok(expected), "{options}");
    }

    fn check_refused(text: &str, sentence: &str) {
        assert_eq!(read(text), Err(sentence.to_owned()), "{text}");
    }

    #[test]
    fn options_are_read_over_the_defaults() {
        check("", ClientConfig::default());
        check(
            "username=%(ENV_GREETING)s\npassword=a%%b\nprompt=me\nhistory_file=~/../h",
            ClientConfig {
                username: Some("hi".to_owned()),
                password: Some("a%b".to_owned()),
                prompt: "me".to_owned(),
                history_file: Some("/home/h".into()),
                ..ClientConfig::default()
            },
        );
        let serverurl = |url: &str| ClientConfig {
            serverurl: url.to_owned(),
            ..ClientConfig::default()
        };
        check("serverurl=http://x", serverurl("http://x"));
        check("serverurl=unix:///a/../s", serverurl("unix:///s"));
        check("serverurl=unix://s", serverurl("unix://HERE/s"));
        check("serverurl=unix://%(here)s/s", serverurl("unix://HERE/s"));
        check("history_file=", ClientConfig::default());
    }

    #[test]
    fn other_sections_do_not_matter() {
        check(
            "[include]\n[program:x]\npriority=x",
            ClientConfig::default(),
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        check_refused(
            "[supervisord]\n",
            ".ini file does not include supervisorctl section",
        );
        check_refused(
            "[supervisorctl]\nprompt=%(here)s\n",
            "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which \
             cannot be expanded. Available names: ENV_GREETING (file: 'x.conf', line 2)",
        );
        check_refused(
            "[supervisorctl]\n[ctlplugin:more]\nsupervisor.ctl_factory=more:make\n",
            "more:make cannot be resolved within [ctlplugin:more] (file: 'x.conf', line 3)",
        );
        check_refused(
            "x\n",
            "File contains no section headers.\nfile: 'x.conf', line: 1\n'x\\n'",
        );
    }
}
