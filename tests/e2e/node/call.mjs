// Makes calls with an unmodified SDK: a task as JSON on stdin, what came of each call as JSON on stdout.
//
//   {"sdk": "portkey" | "openai", "client": {…}, "portkeyHeaders": {…},
//    "calls": [{"do": "chat.completions.create", "with": [body, …], "take": 1}, …]}
//
// One client makes all calls, one after the other. `portkeyHeaders` is what a program that uses OpenAI's SDK gives to
// createHeaders. Each answer is {"reply", "headers"}, {"chunks", "headers"} of a stream (left after `take` of them), or
// {"error", "chunks"}; `headers` are those that begin with x-portkey-, without that.
import OpenAI from "openai";
import { Portkey, createHeaders } from "portkey-ai";

const PREFIX = "x-portkey-";

function shortened(headers) {
  const ours = [...headers.entries()].filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice(PREFIX.length), value]));
}

function clientOf(task) {
  if (task.sdk === "portkey") return new Portkey(task.client);
  const defaultHeaders = task.portkeyHeaders ? createHeaders(task.portkeyHeaders) : {};
  return new OpenAI({ maxRetries: 0, ...task.client, defaultHeaders });
}

function failure(error) {
  return { type: error.constructor.name, status: error.status ?? null, message: error.message };
}

async function answer(promise) {
  if (!promise.withResponse) return [await promise, null];
  const { data, response } = await promise.withResponse();
  return [data, response.headers];
}

async function made(client, call) {
  const names = call.do.split(".");
  const last = names.pop();
  const resource = names.reduce((found, name) => found[name], client);
  const chunks = [];
  try {
    const [data, headers] = await answer(resource[last](...call.with));
    if (data?.[Symbol.asyncIterator] === undefined || Array.isArray(data.data)) {
      return { reply: data, headers: data?.getHeaders?.() ?? (headers && shortened(headers)) };
    }
    for await (const chunk of data) {
      chunks.push(chunk);
      if (chunks.length === call.take) break;
    }
    return { chunks, headers: shortened(headers ?? data.response.headers) };
  } catch (error) {
    return { error: failure(error), chunks };
  }
}

let text = "";
for await (const piece of process.stdin) text += piece;
const task = JSON.parse(text);
const client = clientOf(task);
const answers = [];
for (const call of task.calls) answers.push(await made(client, call));
// Connections that the SDKs keep open would hold the program up.
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
