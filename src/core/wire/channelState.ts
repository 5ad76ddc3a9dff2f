/** What `POST /channel` says, as plain types: the schemas that read it are in http.ts. */
import type { CurveName, Role } from '../types.js';

/** A request about a channel. */
export interface ChannelRequest {
  readonly channel: string;
  readonly uuid: string;
  readonly x?: string;
  readonly y?: string;
  readonly hh_k?: string;
  readonly h_k?: string;
  readonly close?: boolean;
  readonly since?: number;
}

/** A channel as one party may see it. */
export interface ChannelAnswer {
  channel: string;
  role: Role;
  curve: CurveName;
  x?: string;
  y?: string;
  hh_k?: string;
  h_k?: string;
  stapled: boolean;
  host?: string;
  ports: number[];
  lanes?: number;
  version: number;
}
