// Asks a catalog everything that Backstage's own client can ask, and prints the answers as one JSON document.
import { createRequire } from "node:module";

const [folder, baseUrl, token, questions] = process.argv.slice(2);
const { CatalogClient, CATALOG_FILTER_EXISTS } = createRequire(`${folder}/`)("@backstage/catalog-client");
const client = new CatalogClient({ discoveryApi: { getBaseUrl: async () => baseUrl } });

const exists = (value) => {
  if (value === "$EXISTS") return CATALOG_FILTER_EXISTS;
  if (Array.isArray(value)) return value.map(exists);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, exists(inner)]));
  }
  return value;
};

const asked = async ({ method, args }) => {
  const options = { token };
  const found = client[method](...exists(args), options);
  if (typeof found[Symbol.asyncIterator] !== "function") return (await found) ?? null;
  const pages = [];
  for await (const page of found) pages.push(page);
  return pages;
};

// A page after another, and back again: what a table with arrows does.
const turned = async (request) => {
  const pages = [await client.queryEntities(request, { token })];
  while (pages.at(-1).pageInfo.nextCursor) {
    const { nextCursor } = pages.at(-1).pageInfo;
    pages.push(await client.queryEntities({ cursor: nextCursor, limit: request.limit }, { token }));
  }
  const { prevCursor } = pages.at(-1).pageInfo;
  const back = prevCursor && (await client.queryEntities({ cursor: prevCursor, limit: request.limit }, { token }));
  return { pages, back };
};

const answers = {};
for (const [name, question] of Object.entries(JSON.parse(questions))) {
  try {
    answers[name] = question.turn ? await turned(exists(question.turn)) : await asked(question);
  } catch (error) {
    answers[name] = { thrown: error.name, status: error.statusCode ?? null, message: error.message, body: error.body ?? null };
  }
}
process.stdout.write(JSON.stringify(answers));
