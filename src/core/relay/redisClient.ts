/** The client of Redis, alone in a file (dist/redisClient.js) that is loaded when a relay shares a store. */
export { createClient, ErrorReply } from '@redis/client';
