// A conversation between two synthetic voices.
import { execFileSync } from 'node:child_process';
import { join, speak, type Take } from './speech.ts';

const TALK: [nurse: string, patient: string][] = [
	[
		'Good morning, Mr Hale. My name is Dana, I am one of the nurses here. How have you been since we last spoke?',
		'Not well, to tell you the truth. I have hardly slept since the doctor said insulin.'
	],
	[
		'I am sorry to hear that. Could you tell me what worries you most about it?',
		'The needles. My father had to inject himself every single day, and in the end it did not help him.'
	],
	[
		'That must have been hard to watch. And now you are afraid that it will be the same for you.',
		'Yes. And that I did something wrong.'
	],
	[
		'You did nothing wrong. May I explain two things? First, why the tablets are no longer enough, and second, how small these needles are.',
		'All right. Go on, then.'
	],
	[
		'Thank you. Over the years the body simply makes less insulin of its own. So what we do is give back what is missing, once a day, with a pen like this.',
		'And that is all? Once a day?'
	],
	[
		'Once a day, in the evening. Before we go on, could you tell me in your own words what we have said so far?',
		'Well. One small needle in the evening, because my body makes too little.'
	]
];

/**
 * Writes both sides of the conversation as files; each is silent while the other speaks. The
 * nurse's begins with `leadS` and ends with `tailS` seconds of silence.
 */
export function converse(
	dir: string,
	leadS: number,
	tailS: number
): { nurse: string; patient: string } {
	const nurse: Take[] = [];
	const patient: Take[] = [];
	const take = (turn: string, text: string, voice: string, gapS: number) => {
		const said = speak(dir, turn, text, voice, gapS, 0);
		const silent = { ...said, file: `${dir}/${turn}-silent.wav` };
		execFileSync('sox', [said.file, silent.file, 'vol', '0']);
		return { said, silent };
	};
	TALK.forEach(([question, answer], i) => {
		const asked = take(`nurse-${i}`, question, 'en-gb+f2', 0.6);
		const answered = take(`patient-${i}`, answer, 'en-gb+m3', 0.4 + 0.25 * (i % 3));
		nurse.push(asked.said, answered.silent);
		patient.push(asked.silent, answered.said);
	});
	const end = speak(dir, 'end', 'That is exactly right.', 'en-gb+f2', 0.7, tailS);
	const lead: Take = { file: `${dir}/lead.wav`, leadS, speechS: 0 };
	execFileSync('sox', [
		'-n',
		'-r',
		'48000',
		'-c',
		'1',
		'-b',
		'16',
		lead.file,
		'trim',
		'0',
		String(leadS)
	]);
	return {
		nurse: join(dir, 'nurse', lead, ...nurse, end),
		patient: join(dir, 'patient', ...patient)
	};
}
