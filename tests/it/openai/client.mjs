// Asks a server with the official client for Node, and says as JSON what came: BASE_URL QUESTION UNRELATED.
import OpenAI from "openai";

const [baseURL, question, unrelated] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const chat = (content, options) =>
  client.chat.completions.create({ model: "footnote", messages: [{ role: "user", content }], ...options });

const said = {};
const answer = await chat(question);
const { content, annotations } = answer.choices[0].message;
said.plain = { content, annotations, outcome: answer.footnote.outcome.outcome };

said.streamed = { content: "", annotations: [], outcome: null };
for await (const chunk of await chat(question, { stream: true })) {
  for (const { delta } of chunk.choices) {
    said.streamed.content += delta.content ?? "";
    said.streamed.annotations.push(...(delta.annotations ?? []));
  }
  if (chunk.footnote) said.streamed.outcome = chunk.footnote.outcome.outcome;
}

said.abstained = (await chat(unrelated, { footnote: { top_k: 3 } })).footnote.outcome.outcome;
try {
  await client.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: question }] });
} catch (error) {
  said.refused = error.message;
}
said.models = [];
for await (const model of client.models.list()) said.models.push(model.id);
const embedder = (await client.models.retrieve(said.models.at(-1))).id;
said.dimension = (await client.embeddings.create({ model: embedder, input: [question] })).data[0].embedding.length;
console.log(JSON.stringify(said));
