// Waits for the end of its input, which comes with the end of its controller however that ends, and reaps one lab.
const [labId = ''] = process.argv.slice(2);
if (labId === '') {
  console.error('reaper: needs the id of a lab');
  process.exit(64);
}

let said = '';
for await (const chunk of process.stdin.setEncoding('utf8')) said += String(chunk);
if (!said.includes('done')) {
  // Loaded only now: while it waits, one process per lab, it stays small.
  const { reap } = await import('./reaper.ts');
  await reap({ labId });
  // The engine may have been in the middle of creating something for the controller that died.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await reap({ labId });
}
