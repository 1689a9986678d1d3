import type { Judgement } from '../checkers/check-all.ts';
import { inMs } from '../checkers/instants.ts';
import type { FailoverTimes } from '../checkers/takeovers.ts';
import type { CheckResult, ScenarioRecord, Verdict } from '../history/events.ts';
import { Html, html } from './html.ts';

const signs: Readonly<Record<Verdict, string>> = { valid: '\u2713', violated: '\u2717', unknown: '?' };

/** A verdict as a word with its sign; colour only repeats what the word says. */
export function verdictBadge(verdict: Verdict): Html {
  return html`<span class="verdict ${verdict}"
    ><span aria-hidden="true">${signs[verdict]}</span> ${verdict}</span
  >`;
}

/** What the verdict means, in one or two sentences. */
export function verdictInWords(
  record: Pick<ScenarioRecord, 'expected'>,
  judgement: Pick<Judgement, 'verdict' | 'asExpected' | 'differs' | 'results'>,
  trouble: string | undefined,
): string {
  const { verdict, asExpected, differs, results } = judgement;
  if (trouble !== undefined) return `It was not run to its end: ${trouble}`;
  const found = results.filter((result) => result.verdict === 'violated').map((result) => result.checker);
  if (record.expected === 'violated') {
    if (asExpected)
      return `Violated, as it has to be: this scenario is a canary, and the checkers found it out (${found.join(', ')}).`;
    return `This scenario is a canary and was not found out as it has to be: ${differs.join('; ')}.`;
  }
  if (verdict === 'valid')
    return 'Everything that was checked held, and enough happened for that to mean something.';
  if (verdict === 'violated') return `Something was seen that must not be (${found.join(', ')}).`;
  return 'Nothing can be said, and that is not green: something kept the claims from being judged.';
}

/** What was violated or stayed unknown with all of its evidence, then what held, folded away. */
export function claimsHtml(results: readonly CheckResult[], originT: number): Html {
  const ordered = (['violated', 'unknown'] as const).flatMap((verdict) =>
    results.filter((r) => r.verdict === verdict),
  );
  const held = results.filter((result) => result.verdict === 'valid');
  const lines = held.map(
    (r) =>
      html`<li>
        <b>${r.checker}</b>: ${r.claim}<br />${r.evidence.map((each, n) => html`${n === 0 ? '' : '; '}${evidenceHtml(each)}`)}
      </li>`,
  );
  return html`${ordered.map((result) => claimHtml(result, originT))}
  ${
    held.length === 0
      ? null
      : html`<details>
          <summary>
            ${verdictBadge('valid')} ${held.length} ${held.length === 1 ? 'claim' : 'claims'} held:
            <span class="wanted">${held.map(({ checker }) => checker).join(', ')}</span>
          </summary>
          <ul class="held">
            ${lines}
          </ul>
        </details>`
  }`;
}

function claimHtml(
  { checker, claim, verdict, evidence: sentences, atT }: CheckResult,
  originT: number,
): Html {
  const jump =
    atT === undefined
      ? null
      : html` <button type="button" data-at="${atT - originT}">show the first</button>`;
  return html`<article class="claim ${verdict}">
    <h3>
      ${verdictBadge(verdict)} <span class="checker">${checker}</span>
      <span class="wanted">${claim}</span>${jump}
    </h3>
    <ul>
      ${sentences.map((sentence) => html`<li>${evidenceHtml(sentence)}</li>`)}
    </ul>
  </article>`;
}

/** A sentence of evidence; the instants in it can be jumped to. */
function evidenceHtml(sentence: string): Html {
  const parts = sentence.split(/([+-]\d+\.\d{3} s)/);
  return html`${parts.map((part, n) =>
    n % 2 === 0
      ? part
      : html`<button type="button" class="instant" data-at="${Math.round(parseFloat(part) * 1e9)}">
          ${part}
        </button>`,
  )}`;
}

/** More takeovers than this are folded away, so that the timeline stays near. */
const MOST_TAKEOVERS = 6;

/** Each takeover against its bound, as numbers and as a bar. */
export function takeoversHtml(failovers: readonly FailoverTimes[]): Html | null {
  if (failovers.length === 0) return null;
  const rows = failovers.map(
    (f) =>
      html`<tr>
        <td>${f.from} to ${f.to}</td>
        <td class="number">${f.epoch}</td>
        <td class="number">${inMs(f.faultToServingMs)}</td>
        <td class="number">${f.boundMs === null ? 'not measured' : inMs(f.boundMs)}</td>
        <td>${boundBar(f)}</td>
        <td class="number">${f.clientGapMs === null ? '-' : inMs(f.clientGapMs)}</td>
      </tr>`,
  );
  const table = html`<div class="scrolls">
    <table>
      <caption>
        Takeovers
      </caption>
      <thead>
        <tr>
          <th>from, to</th>
          <th class="number">epoch</th>
          <th class="number">took</th>
          <th class="number">bound</th>
          <th></th>
          <th class="number">gap seen by the client</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
  if (failovers.length <= MOST_TAKEOVERS) return table;
  const slowest = Math.max(...failovers.map((f) => f.faultToServingMs));
  return html`<details>
    <summary>${failovers.length} takeovers, the slowest in ${inMs(slowest)}</summary>
    ${table}
  </details>`;
}

/** How much of the bound was used: the mark is the bound. */
export function boundBar({
  faultToServingMs,
  boundMs,
}: Pick<FailoverTimes, 'faultToServingMs' | 'boundMs'>): Html | null {
  if (boundMs === null) return null;
  const share = faultToServingMs / boundMs;
  const most = Math.max(1.15, share);
  const at = (part: number) => ((part / most) * 120).toFixed(1);
  return html`<svg
    class="bound ${share > 1 ? 'late' : 'in-time'}"
    width="120"
    height="12"
    role="img"
    aria-label="${Math.round(share * 100)} % of the bound"
  >
    <rect class="bar" x="0" y="2" width="${at(share)}" height="8" />
    <rect class="mark" x="${at(1)}" y="0" width="2" height="12" />
  </svg>`;
}
