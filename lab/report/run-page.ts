import { relative } from 'node:path';
import { inMs } from '../checkers/instants.ts';
import { isFolderOfRun, runFiles } from '../history/paths.ts';
import { againCommand } from './again.ts';
import { documentOf } from './document.ts';
import { type Html, html } from './html.ts';
import type { RunSummary, ScenarioSummary } from './summary.ts';
import { boundBar, verdictBadge } from './verdict-html.ts';

/** The report of a run as one HTML file: every scenario with its verdict, and the way to its own report. */
export async function runPage(summary: RunSummary): Promise<string> {
  const { scenarios, engine, storages, verdict } = summary;
  const wrong = scenarios.filter((scenario) => !scenario.asExpected);
  const right = `${scenarios.length - wrong.length} of ${scenarios.length} scenarios came out as expected`;
  const seconds = scenarios.reduce((sum, scenario) => sum + scenario.seconds, 0);
  const body = html`<header>
      <h1>Run on ${engine} ${verdictBadge(verdict)}</h1>
      <p class="meaning ${wrong.length === 0 ? 'calm' : 'alarm'}">${right}.</p>
      <dl class="facts">
        ${fact('storage', storages.join(', '))}${fact('scenarios', String(scenarios.length))}${fact('lasted', `${seconds.toFixed(0)} s`)}${fact('takeovers', String(scenarios.reduce((sum, s) => sum + s.failovers.length, 0)))}
      </dl>
      ${againHtml(scenarios, wrong)}
    </header>
    <main>
      ${wrong.length === 0 ? null : wrongHtml(wrong, summary.directory)} ${roundsHtml(scenarios)}
      <section class="wide" aria-labelledby="scenarios-title">
        <h2 id="scenarios-title">Scenarios</h2>
        <div class="scrolls">
          <table class="overview">
            <thead>
              <tr>
                <th>scenario</th>
                <th>verdict</th>
                <th class="number">took over in</th>
                <th class="number">bound</th>
                <th></th>
                <th class="number">acknowledged</th>
                <th class="number">refused</th>
                <th class="number">unknown</th>
                <th class="number">writes</th>
                <th class="number">turned away</th>
                <th class="number">late</th>
                <th class="number">seconds</th>
                <th class="number">seed</th>
              </tr>
            </thead>
            <tbody>
              ${scenarios.map((scenario) => rowHtml(scenario, summary.directory))}
            </tbody>
          </table>
        </div>
        <p class="hint">
          Turned away: attempts on the data area that the storage node refused; late: those of a former owner
          after a newer one was granted. The mark on a bar is the bound.
        </p>
      </section>
    </main>
    <footer>
      <p>
        Beside it: <a href="${runFiles.summary}">${runFiles.summary}</a>,
        <a href="${runFiles.junit}">${runFiles.junit}</a>.
      </p>
    </footer>`;
  return documentOf({ title: `${wrong.length === 0 ? '' : '! '}run on ${engine}: ${verdict}`, body });
}

function fact(name: string, value: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function againHtml(scenarios: readonly ScenarioSummary[], wrong: readonly ScenarioSummary[]): Html | null {
  const which = wrong.length > 0 ? wrong : scenarios;
  if (which.length === 0) return null;
  const what = wrong.length > 0 ? 'Run again what did not come out as expected' : 'Run it again';
  return html`<p class="again">${what}: <code>${againCommand(which)}</code></p>`;
}

function wrongHtml(wrong: readonly ScenarioSummary[], directory: string): Html {
  const items = wrong.map(
    (s) =>
      html`<article class="claim ${s.verdict}">
        <h3>
          ${verdictBadge(s.verdict)} <a href="${linkTo(s, directory)}">${titleOf(s, directory)}</a>
          <span class="wanted">expected ${s.expected}</span>
        </h3>
        <p>${s.trouble ?? s.headline}</p>
      </article>`,
  );
  return html`<section aria-label="Not as expected">${items}</section>`;
}

function rowHtml(scenario: ScenarioSummary, directory: string): Html {
  const { counters, failovers } = scenario;
  const count = (name: string) => html`<td class="number">${counters[name] ?? 0}</td>`;
  const each = (text: (f: ScenarioSummary['failovers'][number]) => Html | string | null) =>
    failovers.map((f) => html`<div>${text(f)}</div>`);
  return html`<tr class="${scenario.asExpected ? '' : 'wrong'}">
    <th scope="row"><a href="${linkTo(scenario, directory)}">${titleOf(scenario, directory)}</a></th>
    <td>
      ${verdictBadge(scenario.verdict)}${scenario.asExpected ? (scenario.expected === 'valid' ? null : html` <span class="wanted">as it has to be</span>`) : html` <strong>expected ${scenario.expected}</strong>`}
    </td>
    <td class="number">${each((f) => inMs(f.faultToServingMs))}</td>
    <td class="number">${each((f) => (f.boundMs === null ? '?' : inMs(f.boundMs)))}</td>
    <td>${each(boundBar)}</td>
    ${count('acknowledged')}${count('refusedAppends')}${count('unknownAppends')}${count('writes')}${count('refusals')}${count('lateRefusals')}
    <td class="number">${scenario.seconds.toFixed(1)}</td>
    <td class="number">${scenario.seed}</td>
  </tr>`;
}

/** A repeated run has many rows of one name: how its takeovers were spread comes before them. */
function roundsHtml(scenarios: readonly ScenarioSummary[]): Html | null {
  const several = new Set(scenarios.map((scenario) => scenario.storage)).size > 1;
  const nameOf = ({ name, storage }: ScenarioSummary) => (several ? `${name} (storage ${storage})` : name);
  const names = [...new Set(scenarios.map(nameOf))];
  if (names.length === scenarios.length) return null;
  const rows = names.map((name) => {
    const rounds = scenarios.filter((scenario) => nameOf(scenario) === name);
    const right = rounds.filter((scenario) => scenario.asExpected).length;
    const took = rounds.flatMap((s) => s.failovers.map((f) => f.faultToServingMs)).sort((a, b) => a - b);
    const at = (share: number) =>
      html`<td class="number">
        ${took.length === 0 ? '-' : inMs(took[Math.ceil((took.length - 1) * share)]!)}
      </td>`;
    return html`<tr class="${right === rounds.length ? '' : 'wrong'}">
      <th scope="row">${name}</th>
      <td class="number">${right} of ${rounds.length}</td>
      ${at(0)}${at(0.5)}${at(0.95)}${at(1)}
    </tr>`;
  });
  return html`<section aria-labelledby="rounds-title">
    <h2 id="rounds-title">Rounds</h2>
    <div class="scrolls">
      <table>
        <thead>
          <tr>
            <th>scenario</th>
            <th class="number">as expected</th>
            <th class="number">fastest takeover</th>
            <th class="number">median</th>
            <th class="number">95 %</th>
            <th class="number">slowest</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** From the run's folder, so that the folder can be copied anywhere. */
function placeOf(scenario: ScenarioSummary, directory: string): string {
  return relative(directory, scenario.directory) || '.';
}

function titleOf(scenario: ScenarioSummary, directory: string): string {
  const parts = placeOf(scenario, directory).split('/').filter(isFolderOfRun);
  if (parts.length === 0) return scenario.name;
  return `${scenario.name} (${parts.map((part) => part.replace('-', ' ')).join(', ')})`;
}

function linkTo(scenario: ScenarioSummary, directory: string): string {
  return [...placeOf(scenario, directory).split('/').map(encodeURIComponent), runFiles.report].join('/');
}
