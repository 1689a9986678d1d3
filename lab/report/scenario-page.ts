import type { Judgement } from '../checkers/check-all.ts';
import type { History } from '../history/events.ts';
import { historyFiles, journalFile } from '../history/paths.ts';
import { againCommand } from './again.ts';
import { documentOf } from './document.ts';
import { embeddedJson, type Html, html } from './html.ts';
import { pageScript } from './page-script.ts';
import { originOf, reportData } from './report-data.ts';
import type { ReportData } from './timeline/model.ts';
import { claimsHtml, takeoversHtml, verdictBadge, verdictInWords } from './verdict-html.ts';

/**
 * The report of one scenario as one HTML file. `trouble`: what kept it from being run to its end. `run`: the way to the
 * report of its run.
 */
export async function scenarioPage(
  history: History,
  judgement: Judgement,
  trouble: string | undefined,
  run: string | undefined,
): Promise<string> {
  const { scenario } = history;
  const data = reportData(history, judgement);
  const above = run === undefined ? null : html`<p class="above"><a href="${run}">the whole run</a></p>`;
  const body = html`${above} ${headerHtml(history, judgement, trouble, data)}
    <main>
      <section aria-label="Verdict">
        ${claimsHtml(judgement.results, originOf(history))} ${takeoversHtml(judgement.failovers)}
      </section>
      ${timelineHtml(data)} ${eventsHtml()}
    </main>
    ${filesHtml(history)} ${helpHtml()} ${dataHtml(data)}`;
  const title = `${judgement.asExpected && trouble === undefined ? '' : '! '}${scenario.name}: ${judgement.verdict}`;
  return documentOf({ title, body, script: await pageScript() });
}

function headerHtml(
  history: History,
  judgement: Judgement,
  trouble: string | undefined,
  data: ReportData,
): Html {
  const { scenario, lab } = history;
  const started = lab.find((event) => event.event === 'lab-started');
  const facts: [string, string][] = [
    ['engine', scenario.engine],
    ['storage', scenario.storage],
    ['seed', String(scenario.seed)],
    ['servers', String(data.servers.length)],
    ['lasted', `${(data.toNs / 1e9).toFixed(1)} s`],
    ['events', data.events.order.length.toLocaleString('en')],
    ...(started === undefined ? [] : modesOf(started)),
  ];
  const again = scenario.file === '' ? null : againCommand([scenario]);
  const calm = judgement.asExpected && trouble === undefined;
  return html`<header>
    <h1>${scenario.name} ${verdictBadge(judgement.verdict)}</h1>
    ${scenario.claim === undefined ? null : html`<p class="claimed">Claim: ${scenario.claim}.</p>`}
    <p class="meaning ${calm ? 'calm' : 'alarm'}">${verdictInWords(scenario, judgement, trouble)}</p>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    ${again === null ? null : html`<p class="again">Run it again: <code id="again">${again}</code> <button type="button" data-copies="again">copy</button></p>`}
  </header>`;
}

function modesOf(started: Extract<History['lab'][number], { event: 'lab-started' }>): [string, string][] {
  const { agent, gate, timings } = started;
  const modes: [string, string][] = [
    [
      'timings',
      `T ${timings.intervalMs} ms, D ${timings.intervalMs * timings.misses} ms, q ${timings.deadlineMs} ms`,
    ],
  ];
  // Only what weakens it is worth saying.
  if (agent.protocol !== 'safe') modes.push(['protocol', agent.protocol]);
  if (agent.fencing === 'none' || !gate.fencing) modes.push(['fencing', 'none']);
  if (!agent.guard) modes.push(['guard', 'none']);
  return modes;
}

function timelineHtml({ violations, faults }: ReportData): Html {
  const button = (action: string, key: string, text: string, of: { disabled?: boolean } = {}) =>
    of.disabled === true
      ? html`<button type="button" disabled>${text} <kbd>${key}</kbd></button>`
      : html`<button type="button" data-action="${action}" aria-keyshortcuts="${key}">
          ${text} <kbd>${key}</kbd>
        </button>`;
  return html`<section aria-labelledby="timeline-title" class="wide">
    <div class="bar">
      <h2 id="timeline-title">Timeline</h2>
      <div role="toolbar" aria-label="Timeline">
        ${button('zoom-in', '+', 'zoom in')}${button('zoom-out', '-', 'zoom out')}${button('whole', '0', 'whole run')}
        ${button('violation', 'v', violations.length > 1 ? `violations (${violations.length})` : 'first violation', { disabled: violations.length === 0 })}
        ${button('previous-fault', 'p', 'previous fault', { disabled: faults.length === 0 })}${button('next-fault', 'n', 'next fault', { disabled: faults.length === 0 })}
        ${button('help', '?', 'keys')}
      </div>
      <output id="view-range"></output>
    </div>
    <p id="announcement" role="status"></p>
    <div class="frame overview"><canvas id="overview" aria-hidden="true"></canvas></div>
    <div
      class="frame"
      id="timeline"
      tabindex="0"
      role="application"
      aria-label="Timeline of the run"
      aria-describedby="timeline-help"
    >
      <div id="labels" aria-hidden="true"></div>
      <div class="drawing">
        <canvas
          id="lanes"
          role="img"
          aria-label="Lanes per server, client and storage; the same in words below"
        ></canvas>
        <div id="cursor" hidden></div>
        <div id="tooltip" role="tooltip" hidden></div>
      </div>
    </div>
    <p id="timeline-help" class="hint">
      Drag across the lanes to zoom in, drag the axis or turn the wheel sideways to move, Ctrl and the wheel
      to zoom (without Ctrl once you have clicked the lanes); <kbd>?</kbd> lists the keys.
    </p>
    ${legendHtml()}
    <details id="words">
      <summary>The timeline in words</summary>
      <div id="words-text"></div>
    </details>
    <noscript
      ><p>The timeline and the list of events need JavaScript; the verdict above does not.</p></noscript
    >
  </section>`;
}

function legendHtml(): Html {
  const entries: [string, string][] = [
    ['solid', 'active, serving, let in and writing'],
    ['striped', 'on its way: claiming, settling, starting, stopping'],
    ['pale', 'lease not in use; connection to the data area'],
    ['fault', 'fault: striped asked for, solid in force, dotted healed and recovering'],
    ['cross', 'refused by the storage node'],
    ['violation', 'violation'],
  ];
  return html`<ul class="legend" aria-label="Legend">
    ${entries.map(([key, text]) => html`<li><span class="key ${key}"></span>${text}</li>`)}
  </ul>`;
}

function eventsHtml(): Html {
  return html`<section aria-labelledby="events-title" class="wide">
    <div class="bar">
      <h2 id="events-title">Events</h2>
      <input
        type="search"
        id="event-search"
        placeholder="search, such as refused server-1"
        aria-label="Search the events"
        aria-keyshortcuts="/"
      />
      <span id="event-sources" role="group" aria-label="Sources"></span>
      <label class="chip"
        ><input type="checkbox" id="event-routine" /> routine (heartbeats, observations, writes,
        appends)</label
      >
      <span id="event-count"></span>
    </div>
    <div class="events">
      <div id="event-list" role="listbox" tabindex="0" aria-label="Events in the stretch that is shown"></div>
      <aside id="details" aria-label="The selected event">
        <p class="hint">Select an event, here or on the lanes, to see everything it says.</p>
      </aside>
    </div>
  </section>`;
}

function filesHtml({ journals }: History): Html {
  const files = [
    historyFiles.lab,
    historyFiles.client,
    historyFiles.audit,
    ...[...journals.keys()].map(journalFile),
    historyFiles.verdict,
  ];
  return html`<footer>
    <p>
      Made from the files beside it:
      ${files.map((file, n) => html`${n === 0 ? '' : ', '}<a href="${encodeURIComponent(file)}">${file}</a>`)}.
      <code>bin/lab recheck</code> judges them again.
    </p>
  </footer>`;
}

function helpHtml(): Html {
  return html`<dialog id="help" aria-labelledby="help-title">
    <h2 id="help-title">Keys</h2>
    <table>
      <tbody id="help-keys"></tbody>
    </table>
    <form method="dialog"><button>close</button></form>
  </dialog>`;
}

function dataHtml(data: ReportData): Html {
  return html`<script type="application/json" id="report-data">
    ${embeddedJson(data)}
  </script>`;
}
