declare global {
	namespace App {
		interface Error {
			message: string;
		}

		interface PageState {
			/** The address that somebody has just used, so that the next form has it. */
			email?: string;
		}
	}
}

export {};
