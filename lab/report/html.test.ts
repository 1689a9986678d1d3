import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { embeddedJson, html } from './html.ts';

describe('markup', () => {
  it('takes everything that is put into it for text', () => {
    const nasty = `</script><img src=x onerror="alert('1')">&`;
    assert.equal(
      html`<p title="${nasty}">${[nasty, html`<b>${3}</b>`, null]}</p>`.markup,
      '<p title="&#60;/script&#62;&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62;&#38;">' +
        '&#60;/script&#62;&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62;&#38;<b>3</b></p>',
    );
  });

  it('embeds JSON that nothing in it can end, and that is read back as it was', () => {
    const value = fc.oneof(fc.json(), fc.constantFrom('</script>', '<!--', '<script>', '\u2028'));
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const { markup } = embeddedJson(values);
        assert.equal(markup.includes('<'), false);
        assert.deepEqual(JSON.parse(markup), values);
      }),
    );
  });
});
