import {
	lint,
	libraryScenario,
	publishScenario,
	archiveScenario,
	saveScenario,
	schema as readSchema,
	type Finding,
	type LibraryScenario,
	type ScenarioDocument,
	type Schema
} from '$lib/api/library';
import { explain, Problem } from '$lib/api/problem';
import { findDraft, forgetDraft, keepDraft } from './draft';
import { pathName, read, set, write, type Path } from './yaml';

/** How long the text rests before it is checked. */
const REST_MS = 400;

/** The version that somebody else saved meanwhile. */
export interface Conflict {
	scenario: LibraryScenario;
	text: string;
}

/** Loads what the editor of a scenario needs. */
export async function openEditor(id: string, user: string): Promise<Editor> {
	const [scenario, schema] = await Promise.all([libraryScenario(id), readSchema()]);
	return new Editor(scenario, schema, user);
}

/**
 * A scenario that is being edited. Its text is YAML; the form shows what the text says and changes
 * single values in it, so that both are always in step.
 */
export class Editor {
	readonly schema: Schema;
	scenario = $state.raw<LibraryScenario>() as LibraryScenario;
	text = $state('');
	/** What is saved, in the form of the text. */
	saved = $state('');
	/** What the text says; what it said last while it cannot be read. */
	document = $state.raw<ScenarioDocument>({});
	readable = $state(true);
	findings = $state.raw<Finding[]>([]);
	/** Why the text could not be checked. */
	lintProblem = $state('');
	checking = $state(false);
	busy = $state('');
	problem = $state('');
	message = $state('');
	conflict = $state.raw<Conflict | undefined>();
	/** When the unsaved work was written that was found in this browser. */
	restored = $state(0);
	dirty = $derived(this.text !== this.saved);
	errors = $derived(this.findings.filter((finding) => finding.severity === 'error').length);
	#user: string;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#check: AbortController | undefined;

	constructor(scenario: LibraryScenario, schema: Schema, user: string) {
		this.schema = schema;
		this.#user = user;
		this.#take(scenario);
		const draft = findDraft(user, scenario.id, localStorage);
		if (draft && draft.text !== this.saved) {
			this.restored = draft.at;
			this.version = draft.version;
			this.#show(draft.text);
		}
		this.#lintSoon(0);
	}

	/** The version that the text is a change of. */
	version = $state(0);

	get id(): string {
		return this.scenario.id;
	}

	#take(scenario: LibraryScenario): void {
		this.scenario = scenario;
		this.version = scenario.version;
		this.saved = write(scenario.document, this.schema);
		this.#show(this.saved);
	}

	#show(text: string): void {
		this.text = text;
		const document = read(text);
		this.readable = document !== undefined;
		if (document) this.document = document;
	}

	/** Takes a new text, which somebody has typed. */
	write(text: string): void {
		if (text === this.text) return;
		this.#show(text);
		this.message = '';
		this.#keepOrForget();
		this.#lintSoon(REST_MS);
	}

	/** Keeps what is not saved in this browser, and nothing else. */
	#keepOrForget(): void {
		const { version, text } = this;
		if (this.dirty)
			keepDraft(this.#user, this.id, { version, text, at: Date.now() }, localStorage);
		else forgetDraft(this.#user, this.id, localStorage);
	}

	/** Changes one value; undefined removes it. */
	set(path: Path, value: unknown, schema?: Schema): void {
		this.write(set(this.text, path, value, schema));
	}

	/** Returns what is wrong with a value, or nothing. */
	problemOf(path: Path): Finding | undefined {
		const name = pathName(path);
		return this.findings.find((finding) => finding.path === name);
	}

	/** Throws the unsaved work away. */
	discard(): void {
		forgetDraft(this.#user, this.id, localStorage);
		this.restored = 0;
		this.version = this.scenario.version;
		this.#show(this.saved);
		this.#lintSoon(0);
	}

	async save(note: string): Promise<void> {
		const { text } = this; // somebody may go on typing meanwhile
		const document = read(text);
		if (!document) {
			this.problem = 'The YAML cannot be read. Mend it, then save again.';
			return;
		}
		await this.#run('save', async () => {
			const scenario = await saveScenario(this.id, this.version, document, note);
			this.restored = 0;
			this.scenario = scenario;
			this.version = scenario.version;
			this.saved = text; // with its comments, until the page is loaded again
			this.#keepOrForget();
			this.message = `Saved as version ${scenario.version}.`;
		});
	}

	async publish(): Promise<void> {
		await this.#run('publish', async () => {
			this.scenario = await publishScenario(this.id, this.version);
			this.message = `Published: candidates get version ${this.version} from now on.`;
		});
	}

	async archive(): Promise<void> {
		await this.#run('archive', async () => {
			this.scenario = await archiveScenario(this.id);
			this.message = 'Archived: it has left the catalogue. Reports of it stay.';
		});
	}

	/** Takes the other's version, and throws the own work away. */
	takeTheirs(): void {
		if (!this.conflict) return;
		forgetDraft(this.#user, this.id, localStorage);
		this.#take(this.conflict.scenario);
		this.restored = 0;
		this.conflict = undefined;
		this.#lintSoon(0);
	}

	/** Goes on with the own text, as a change of the other's version. */
	keepMine(): void {
		if (!this.conflict) return;
		this.scenario = this.conflict.scenario;
		this.version = this.conflict.scenario.version;
		this.saved = this.conflict.text;
		this.conflict = undefined;
		this.#keepOrForget();
		this.message = 'Your text is here again. Save it to make it the latest version.';
	}

	async #run(what: string, act: () => Promise<void>): Promise<void> {
		if (this.busy) return;
		this.busy = what;
		this.problem = this.message = '';
		try {
			await act();
		} catch (error) {
			if (error instanceof Problem && error.status === 412) await this.#meet();
			else {
				this.problem = explain(error);
				this.#lintSoon(0);
			}
		} finally {
			this.busy = '';
		}
	}

	async #meet(): Promise<void> {
		try {
			const scenario = await libraryScenario(this.id);
			this.conflict = { scenario, text: write(scenario.document, this.schema) };
		} catch (error) {
			this.problem = explain(error);
		}
	}

	#lintSoon(after: number): void {
		clearTimeout(this.#timer);
		this.#check?.abort();
		this.checking = true;
		this.#timer = setTimeout(() => void this.#lint(), after);
	}

	async #lint(): Promise<void> {
		const check = (this.#check = new AbortController());
		try {
			this.findings = await lint(this.text, check.signal);
			this.lintProblem = '';
		} catch (error) {
			if (check.signal.aborted) return;
			this.lintProblem = explain(error);
		}
		this.checking = false;
	}

	/** Stops checking. */
	close(): void {
		clearTimeout(this.#timer);
		this.#check?.abort();
	}
}
