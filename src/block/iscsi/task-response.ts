/** RFC 7143, section 11.6.1 "Response". */
const names: ReadonlyMap<number, string> = new Map([
  [1, 'TASK DOES NOT EXIST'],
  [2, 'LUN DOES NOT EXIST'],
  [3, 'TASK STILL ALLEGIANT'],
  [4, 'TASK ALLEGIANCE REASSIGNMENT NOT SUPPORTED'],
  [5, 'TASK MANAGEMENT FUNCTION NOT SUPPORTED'],
  [6, 'FUNCTION AUTHORIZATION FAILED'],
  [255, 'FUNCTION REJECTED'],
]);

/** What a target says to a task management request it did not carry out. */
export function taskResponseName(response: number): string {
  return names.get(response) ?? `TASK MANAGEMENT RESPONSE ${response}`;
}
