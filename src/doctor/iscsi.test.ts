import assert from 'node:assert/strict';
import { ScriptedTarget } from '../block/iscsi/scripted-target.fixture.ts';
import { standardInquiry } from '../block/iscsi/unit-data.fixture.ts';
import { iscsiFindings } from './iscsi.ts';

describe('an iSCSI unit under examination', () => {
  it('whose target takes its leave right behind an answer is one that could not be reached, and no bug', async () => {
    await using target = await ScriptedTarget.listen({
      command: (request, talk) => {
        talk.socket.cork();
        talk.data(request, standardInquiry());
        const parameters = [0, 0, 10] as const;
        talk.say({ kind: 'async', lun: 0, event: 1, vendorCode: 0, parameters, data: new Uint8Array(0) });
        talk.socket.uncork();
        return true;
      },
    });
    await assert.rejects(iscsiFindings(target.address(), undefined, 5000), {
      name: 'RequestFailed',
      code: 'ENOTCONN',
    });
  });
});
