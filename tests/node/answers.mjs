// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Holds answers against an OpenAPI document: node answers.mjs OPENAPI ANSWERS MODULES
// ANSWERS has one JSON object a line: method, path, status, type, body. Prints what is wrong; exit code 1 then.
import fs from "node:fs";
import { createRequire } from "node:module";

const [openapiPath, answersPath, modules] = process.argv.slice(2);
const { Ajv2020 } = createRequire(`${modules}/`)("ajv/dist/2020.js");
const openapi = JSON.parse(fs.readFileSync(openapiPath, "utf8"));
const UNKNOWN = new Set(["no_such_path", "method_not_allowed", "bad_target", "head_too_large", "header_twice"]);

const ajv = new Ajv2020({
	strict: false,
	allErrors: true,
	logger: false, // of formats that only say how a value is meant
	formats: {
		"date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
		hex: /^([0-9A-Fa-f]{2})*$/,
		base64: /^[A-Za-z0-9+/]*={0,2}$/,
	},
});
ajv.addSchema(openapi, "openapi");

const escaped = (text) => text.replaceAll("~", "~0").replaceAll("/", "~1");
const compiled = new Map();
const validator = (pointer) => {
	if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` }));
	return compiled.get(pointer);
};

const templates = Object.keys(openapi.paths).map((path) => ({
	path,
	pattern: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{[^}]*\}/g, "[^/]+")}$`),
}));
const find = (path) => templates.find((one) => one.path === path) ?? templates.find((one) => one.pattern.test(path));

// Where the schema of an answer lies; or a sentence that begins with "!".
const place = ({ method, path, status, type, body }) => {
	const plain = decodeURIComponent(path.split("?")[0]);
	const template = find(plain)?.path;
	const verb = method === "HEAD" ? "get" : method.toLowerCase();
	const operation = template && openapi.paths[template][verb];
	if (!operation) return UNKNOWN.has(body?.code) ? "/components/schemas/Problem" : "!is not described";
	if (UNKNOWN.has(body?.code)) return "/components/schemas/Problem";
	let response = operation.responses[status];
	let pointer = `/paths/${escaped(template)}/${verb}/responses/${status}`;
	if (!response) return `!status ${status} is not described`;
	if (response.$ref) {
		pointer = response.$ref.slice(1);
		response = openapi.components.responses[pointer.split("/").at(-1)];
	}
	if (method === "HEAD" || status === 204) return null;
	const bare = (text) => text.split(";")[0].trim();
	const kind = Object.keys(response.content ?? {}).find((one) => bare(one) === bare(type ?? ""));
	if (!kind) return `!content type ${type} is not described`;
	return kind.includes("json") ? `${pointer}/content/${escaped(kind)}/schema` : null;
};

const wrong = new Set();
let count = 0;
for (const line of fs.readFileSync(answersPath, "utf8").split("\n").filter(Boolean)) {
	const answer = JSON.parse(line);
	const what = `${answer.method} ${answer.path.split("?")[0]}: ${answer.status}`;
	const pointer = place(answer);
	count++;
	if (pointer === null) continue;
	if (pointer.startsWith("!")) {
		wrong.add(`${what}: ${pointer.slice(1)} ${answer.body?.code ?? ""}`);
		continue;
	}
	const validate = validator(pointer);
	if (!validate(answer.body))
		for (const error of validate.errors)
			wrong.add(`${what}: ${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}
for (const sentence of wrong) console.log(sentence);
console.log(`${count} answers, ${wrong.size} complaints`);
process.exit(wrong.size > 0 || count === 0 ? 1 : 0);
