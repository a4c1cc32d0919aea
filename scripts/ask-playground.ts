// `center` and `agent` of the playground: ask it to stop, start or reload one of them, and print its answer.
import { request } from "node:http";
import { text } from "node:stream/consumers";

const [socketPath = "", ...words] = process.argv.slice(2);
const asked = request({ socketPath, method: "POST" }, async (response) => {
  const isDone = response.statusCode === 200;
  const said = await text(response);
  if (isDone) console.log(said);
  else console.error(said);
  process.exitCode = isDone ? 0 : 2;
});
asked.on("error", (error) => {
  console.error(`The playground does not answer: ${error.message}`);
  process.exitCode = 1;
});
asked.end(words.join(" "));
