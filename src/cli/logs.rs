//! `logs`: the logs of an environment's pods, merged by time.

use futures::StreamExt as _;
use futures::stream::{self, SelectAll};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::Logs;
use super::session::Session;
use super::{choose, output};
use crate::app::state::pattern::Pattern;
use crate::cluster::Cluster;
use crate::cluster::logs::{LogSource, LogStream};
use crate::config::Settings;
use crate::domain::log::{LogLine, LogReach, LogRing, LogWhat};
use crate::domain::pod_row::PodRow;

/// `logs`.
pub(super) async fn logs(settings: &Settings, wanted: &Logs) -> Result<Exit, CliError> {
    let grep = wanted.grep.as_deref().map_or(Ok(None), Pattern::parse);
    let grep = grep.map_err(|sentence| CliError::new(Exit::Usage, format!("--grep: {sentence}")))?;
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    if let Some(given) = &wanted.component {
        choose::component(&[&environment], given)?;
    }
    let chosen = environment
        .spec
        .components
        .iter()
        .filter(|one| wanted.component.as_deref().is_none_or(|component| one.name.as_str() == component));
    let workloads: Vec<&str> = chosen.map(|component| component.workload.name.as_str()).collect();
    let namespace = environment.key().namespace;
    let mut pods = session.cluster.pods(&namespace).await?;
    pods.retain(|pod| workloads.iter().any(|workload| is_of(pod, workload)));
    let printer = Printer { stamps: wanted.timestamps, names: pods.len() > 1 || wanted.all_containers, grep };
    let sources = sources(&session.cluster, wanted, &pods).await;
    if sources.is_empty() {
        return Err(CliError::new(Exit::Error, "there is no log to read: no pod of it has written one"));
    }
    if wanted.follow { follow(sources, &printer).await } else { merged(sources, &printer).await }?;
    Ok(Exit::Ok)
}

/// A pod of a workload, or of the second one beside it.
fn is_of(pod: &PodRow, workload: &str) -> bool {
    pod.owner.strip_prefix(workload).is_some_and(|rest| matches!(rest, "" | "-canary" | "-green"))
}

/// Every log that can be read; why others cannot is said beside them.
async fn sources(cluster: &Cluster, wanted: &Logs, pods: &[PodRow]) -> Vec<(String, LogStream)> {
    let reach = wanted.since.map_or(LogReach::Tail, |since| {
        LogReach::Seconds(u32::try_from(since.to_std().as_secs()).unwrap_or(u32::MAX).max(1))
    });
    let what = LogWhat {
        all_containers: wanted.all_containers,
        previous: wanted.previous,
        reach,
        follow: wanted.follow,
    };
    let mut open = Vec::new();
    for pod in pods {
        let containers = match cluster.log_containers(&pod.key, what.all_containers).await {
            Ok(containers) => containers,
            Err(error) => {
                output::remark(&format!("{}: {error}", pod.key.name));
                continue;
            }
        };
        for container in containers {
            let name = format!("{}/{container}", pod.key.name);
            let source = LogSource { pod: pod.key.clone(), container, what, after: None };
            match cluster.open_log(&source).await {
                Ok(stream) => open.push((name, stream)),
                Err(error) => output::remark(&format!("{name}: {error}")),
            }
        }
    }
    open
}

/// How a line is printed.
struct Printer {
    stamps: bool,
    names: bool,
    grep: Option<Pattern>,
}

impl Printer {
    fn shows(&self, text: &str) -> bool {
        self.grep.as_ref().is_none_or(|grep| grep.matches(text))
    }

    fn line(&self, name: &str, line: &LogLine) -> String {
        let stamp = line.at.filter(|_| self.stamps);
        let stamp = stamp.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string()).unwrap_or_default();
        let name = if self.names { format!("{name} ") } else { String::new() };
        format!("{stamp}{name}{}\n", line.text)
    }
}

/// Everything that is there, in the order of time; the newest lines where there are too many.
async fn merged(sources: Vec<(String, LogStream)>, printer: &Printer) -> Result<(), CliError> {
    let mut ring = LogRing::default();
    let mut names = Vec::new();
    for (nth, (name, mut stream)) in (0_u16..).zip(sources) {
        names.push(name);
        loop {
            let lines = stream.next_lines().await?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                let shown = printer.shows(&line.text);
                ring.push(nth, line, shown);
            }
        }
    }
    if ring.dropped() > 0 {
        output::remark(&format!("{} older lines are left out", ring.dropped()));
    }
    let text: String = ring
        .shown()
        .map(|entry| {
            let name = names.get(usize::from(entry.source)).map_or("", String::as_str);
            printer.line(name, &LogLine { at: entry.at, text: entry.text.clone() })
        })
        .collect();
    output::text(&text)
}

/// Lines as they come, until every log has ended.
async fn follow(sources: Vec<(String, LogStream)>, printer: &Printer) -> Result<(), CliError> {
    let streams = sources.into_iter().map(|(name, stream)| {
        Box::pin(stream::unfold(Some((name, stream)), |state| async move {
            let (name, mut stream) = state?;
            match stream.next_lines().await {
                Ok(lines) if lines.is_empty() => None,
                Ok(lines) => Some(((name.clone(), Ok(lines)), Some((name, stream)))),
                Err(error) => Some(((name, Err(error)), None)),
            }
        }))
    });
    let mut all: SelectAll<_> = streams.collect();
    while let Some((name, news)) = all.next().await {
        match news {
            Ok(lines) => {
                let shown = lines.iter().filter(|line| printer.shows(&line.text));
                output::text(&shown.map(|line| printer.line(&name, line)).collect::<String>())?;
            }
            Err(error) => output::remark(&format!("{name}: {error}")),
        }
    }
    Ok(())
}
