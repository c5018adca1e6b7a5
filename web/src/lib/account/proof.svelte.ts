import { reauthenticate } from '$lib/api/account';
import { Problem } from '$lib/api/problem';

/** Thrown when the reader declines to prove who they are. There is nothing to show then. */
export class Declined extends Error {}

/**
 * Asks the reader to prove who they are when the server requires it, then repeats the request. The
 * root layout shows its dialog.
 */
export class Prover {
	open = $state(false);
	#decide: ((proven: boolean) => void) | undefined;
	#reauthenticate: (password: string) => Promise<void>;

	constructor(prove: (password: string) => Promise<void>) {
		this.#reauthenticate = prove;
	}

	async run<T>(act: () => Promise<T>): Promise<T> {
		for (;;) {
			try {
				return await act();
			} catch (error) {
				if (!(error instanceof Problem) || !error.is('reauthentication-required'))
					throw error;
			}
			if (!(await this.#ask())) throw new Declined();
		}
	}

	/** Sends the password. It throws what the server says against it. */
	async prove(password: string): Promise<void> {
		await this.#reauthenticate(password);
		this.#close(true);
	}

	decline(): void {
		this.#close(false);
	}

	#ask(): Promise<boolean> {
		this.#close(false); // there is only one dialog
		this.open = true;
		return new Promise((resolve) => (this.#decide = resolve));
	}

	#close(proven: boolean): void {
		this.open = false;
		this.#decide?.(proven);
		this.#decide = undefined;
	}
}

export const prover = new Prover(reauthenticate);
