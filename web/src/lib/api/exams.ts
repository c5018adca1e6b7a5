// Requests about mock exams.
import { get, send } from './http';
import type { Exam, ExamAttempt, ExamPage, NewExam } from './types';

const part = encodeURIComponent;

/** Returns a page of the own mock exams, newest first. */
export const exams = async (): Promise<Exam[]> => (await get<ExamPage>('/api/exams')).items;
export const exam = (id: string, signal?: AbortSignal): Promise<Exam> =>
	get(`/api/exams/${part(id)}`, signal);
export const createExam = (profession: string): Promise<Exam> =>
	send('POST', '/api/exams', { profession, consent: true } satisfies NewExam);
/** Begins the next role play. */
export const beginRolePlay = (id: string): Promise<ExamAttempt> =>
	send('POST', `/api/exams/${part(id)}/attempts`);
export const endExam = (id: string): Promise<Exam> => send('POST', `/api/exams/${part(id)}/end`);
