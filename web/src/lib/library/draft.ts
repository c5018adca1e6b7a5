/** Work on a scenario that is not saved yet, as the browser keeps it. */
export interface Draft {
	/** The version that was changed. */
	version: number;
	text: string;
	at: number;
}

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const key = (user: string, id: string) => `bedside:draft:${user}:${id}`;

/** Keeps unsaved work, so that it survives a reload. A browser that keeps nothing is no error. */
export function keepDraft(user: string, id: string, draft: Draft, store: Store): void {
	try {
		store.setItem(key(user, id), JSON.stringify(draft));
	} catch {
		// no room, or not permitted: the page still asks before it is left
	}
}

export function forgetDraft(user: string, id: string, store: Store): void {
	try {
		store.removeItem(key(user, id));
	} catch {
		// not permitted
	}
}

export function findDraft(user: string, id: string, store: Store): Draft | undefined {
	try {
		const draft = JSON.parse(store.getItem(key(user, id)) ?? 'null') as Draft | null;
		return draft && typeof draft.text === 'string' && draft.version > 0 ? draft : undefined;
	} catch {
		return undefined;
	}
}
