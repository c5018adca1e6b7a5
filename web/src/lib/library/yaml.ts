import type { ScenarioDocument, Schema } from '$lib/api/library';
import { type Document, isCollection, isScalar, isSeq, parseDocument, Scalar } from 'yaml';

/** Where a value is: keys and positions in lists. */
export type Path = readonly (string | number)[];

const WIDTH = 100;
const LONG = 72; // a text of more characters is written below its key

/** Returns a path as findings write it: candidate_card.tasks[1]. */
export function pathName(path: Path): string {
	return path
		.map((step, n) => (typeof step === 'number' ? `[${step}]` : (n ? '.' : '') + step))
		.join('');
}

/** Reads a text; undefined when it is no YAML, not one object, or has aliases. */
export function read(text: string): ScenarioDocument | undefined {
	const document = parse(text);
	if (document.errors.length > 0) return undefined;
	let value: unknown;
	try {
		value = document.toJS({ maxAliasCount: 0 });
	} catch {
		return undefined; // an alias; the server refuses them too, and says where
	}
	return value && typeof value === 'object' && !Array.isArray(value)
		? (value as ScenarioDocument)
		: undefined;
}

function parse(text: string): Document.Parsed {
	return parseDocument(text, { merge: false });
}

/**
 * Writes a document with its keys in the order of the schema, as the server does: long texts
 * folded below their keys, lists of short words on one line.
 */
export function write(document: ScenarioDocument, schema: Schema): string {
	const yaml = parseDocument('{}');
	yaml.contents = yaml.createNode(inOrder(document, schema)) as never;
	style(yaml.contents, schema);
	return format(yaml);
}

const format = (document: Document): string =>
	document.toString({ lineWidth: WIDTH, flowCollectionPadding: false });

/** Returns a value with its keys in the order of the schema. */
function inOrder(value: unknown, schema: Schema | undefined): unknown {
	if (Array.isArray(value)) return value.map((item) => inOrder(item, schema?.items));
	if (!value || typeof value !== 'object') return value;
	const known = Object.keys(objectOf(schema)?.properties ?? {});
	const rank = (key: string) => (known.includes(key) ? known.indexOf(key) : known.length);
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => rank(a) - rank(b))
			.map(([key, item]) => [key, inOrder(item, objectOf(schema)?.properties?.[key])])
	);
}

/** Returns the form that has keys, where a plain text is possible too. */
export const objectOf = (schema: Schema | undefined): Schema | undefined =>
	schema?.anyOf ? schema.anyOf.find((form) => form.type === 'object') : schema;

function style(node: unknown, schema: Schema | undefined): void {
	if (isScalar(node)) {
		const { value } = node;
		if (typeof value === 'string' && value.length > LONG && !value.includes('\n'))
			node.type = Scalar.BLOCK_FOLDED;
		return;
	}
	if (!isCollection(node)) return;
	if (isSeq(node)) {
		node.flow = node.items.length === 0 || schema?.uniqueItems === true;
		for (const item of node.items) style(item, schema?.items);
		return;
	}
	for (const pair of node.items as { key: unknown; value: unknown }[])
		style(pair.value, objectOf(schema)?.properties?.[String(pair.key)]);
}

/**
 * Changes one value in a text and leaves the rest as it is, comments too. An undefined value is
 * removed.
 */
export function set(text: string, path: Path, value: unknown, schema?: Schema): string {
	const document = parse(text);
	if (document.errors.length > 0) return text;
	if (value === undefined) {
		document.deleteIn(path);
		return format(document);
	}
	const old = document.getIn(path, true);
	if (isScalar(old) && !(value && typeof value === 'object')) {
		old.value = value;
		if (typeof value === 'string') style(old, schema);
		return format(document);
	}
	const node = document.createNode(value);
	style(node, schema);
	document.setIn(path, node);
	return format(document);
}
