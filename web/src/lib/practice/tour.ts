const KEY = 'bedside.tour';

/** Reports whether the reader has hidden the tour in this browser. */
export function tourHidden(): boolean {
	try {
		return localStorage.getItem(KEY) === 'hidden';
	} catch {
		return false; // storage is blocked
	}
}

/** Hides the tour in this browser from now on. */
export function hideTour(): void {
	try {
		localStorage.setItem(KEY, 'hidden');
	} catch {
		// Storage is blocked: it is hidden until the page is closed.
	}
}
