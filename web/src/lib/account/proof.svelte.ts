import { reauthenticate } from '$lib/api/account';
import { Problem } from '$lib/api/problem';

/** Thrown when somebody would not prove who they are: there is nothing to tell them. */
export class Declined extends Error {}

/** Asks people to prove who they are when the server wants that, then does again what it would not do. The layout shows its dialog. */
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

	/** Gives the password to the server; throws what it says against it. */
	async prove(password: string): Promise<void> {
		await this.#reauthenticate(password);
		this.#settle(true);
	}

	decline(): void {
		this.#settle(false);
	}

	#ask(): Promise<boolean> {
		this.#settle(false); // only one at a time
		this.open = true;
		return new Promise((resolve) => (this.#decide = resolve));
	}

	#settle(proven: boolean): void {
		this.open = false;
		this.#decide?.(proven);
		this.#decide = undefined;
	}
}

export const prover = new Prover(reauthenticate);
