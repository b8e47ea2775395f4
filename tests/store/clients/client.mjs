// The statements by @clickhouse/client; see plain.py for the form of what comes back.
import { createClient } from '@clickhouse/client'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const task = JSON.parse(Buffer.concat(chunks).toString())

const common = {
  url: `http://${task.host}:${task.port}`,
  database: 'llm',
  compression: { request: task.compress, response: task.compress },
  log: { level: 127 },
  clickhouse_settings: { output_format_json_quote_64bit_integers: 1, output_format_json_quote_decimals: 1 },
}
const writing = { ...common, username: 'tracer', password: task.password }
const clients = {
  reader: createClient(common),
  writer: createClient(writing),
  session: createClient({ ...writing, session_id: task.name }),
}

const plain = (value) => {
  if (value === null || typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
  return String(value)
}

const one = async (statement) => {
  const client = clients[statement.as ?? 'reader']
  const query = (statement.sql ?? '').replaceAll('{client}', task.name)
  const how = { query, query_params: statement.parameters, clickhouse_settings: statement.settings }
  if (statement.do === 'command') {
    await client.command(how)
    return 'done'
  }
  if (statement.do === 'insert') {
    const values = statement.rows.map(([a, s]) => ({ a, s, t: '2026-01-02 03:04:05.678' }))
    await client.insert({ table: statement.table.replace('{client}', task.name), values, format: 'JSONEachRow' })
    return 'done'
  }
  if (statement.do === 'count') {
    let count = 0
    for await (const rows of (await client.query({ ...how, format: 'JSONEachRow' })).stream()) count += rows.length
    return { count }
  }
  const found = await (await client.query({ ...how, format: 'JSONCompact' })).json()
  return { columns: found.meta.map(({ name }) => name), rows: plain(found.data) }
}

const answers = []
for (const statement of task.statements) {
  try {
    answers.push(await one(statement))
  } catch (error) {
    answers.push({ error: Number(error.code) || String(error) })
  }
}
await Promise.all(Object.values(clients).map((client) => client.close()))
console.log(JSON.stringify(answers))
