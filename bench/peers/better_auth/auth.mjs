// Better Auth as its documentation sets it up: password, PostgreSQL; what costs time and others here lack is off.
import { betterAuth } from "better-auth";
import pg from "pg";

export const pool = new pg.Pool({ max: 8 });
export const auth = betterAuth({
  secret: process.env.JWT_SECRET,
  baseURL: "http://127.0.0.1",
  database: pool,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
});
