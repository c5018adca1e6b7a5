declare global {
	namespace App {
		interface Error {
			message: string;
			/** Decides what the error page says; 0 for a server that did not answer. */
			status?: number;
		}

		interface PageState {
			/** The address that was just used, so that the next form can be filled in with it. */
			email?: string;
		}
	}
}

export {};
