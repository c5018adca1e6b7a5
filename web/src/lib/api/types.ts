// Short names for what the REST interface takes and gives; the shapes come from the server's own description of it.
import type { components } from '$lib/gen/api';

type Schemas = components['schemas'];

export type Attempt = Schemas['Attempt'];
export type Account = Schemas['Account'];
export type AccountChange = Schemas['AccountChange'];
export type AccountPage = Schemas['AccountPage'];
export type Act = Schemas['Act'];
export type ActPage = Schemas['ActPage'];
export type AttemptDetail = Schemas['AttemptDetail'];
export type AttemptPage = Schemas['AttemptPage'];
export type AttemptState = Attempt['state'];
export type CandidateCard = Schemas['CandidateCard'];
export type CheckMail = Schemas['CheckMail'];
export type Credentials = Schemas['Credentials'];
export type Grant = Schemas['Grant'];
export type InterlocutorCard = Schemas['InterlocutorCard'];
export type Measures = Schemas['Measures'];
export type NewAttempt = Schemas['NewAttempt'];
export type Profile = Schemas['Profile'];
export type ProfileChange = Schemas['ProfileChange'];
export type Registration = Schemas['Registration'];
export type Report = Schemas['Report'];
export type Room = Schemas['Room'];
export type RoomList = Schemas['RoomList'];
export type Scenario = Schemas['Scenario'];
export type ScenarioList = Schemas['ScenarioList'];
export type ScenarioSummary = Schemas['ScenarioSummary'];
export type Session = Schemas['Session'];
export type Span = Schemas['Span'];
export type Speaker = SpeakerReport['speaker'];
export type SpeakerReport = Schemas['SpeakerReport'];
export type Ticket = Schemas['Ticket'];
export type TicketRequest = Schemas['TicketRequest'];
export type User = Schemas['User'];
