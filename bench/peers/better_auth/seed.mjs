// Makes the tables, and an account with one session for each "id<TAB>email" on standard input; prints their cookies.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { getMigrations } from "better-auth/db/migration";
import { auth, pool } from "./auth.mjs";

await (await getMigrations(auth.options)).runMigrations();
const context = await auth.$context;
const password = await context.password.hash(process.env.PASSWORD);
const users = readFileSync(0, "utf8").trim().split("\n").map((line) => line.split("\t"));
for (const [id, email] of users) {
  const user = await context.internalAdapter.createUser({ id, email, name: email, emailVerified: true });
  await context.internalAdapter.linkAccount({ userId: user.id, providerId: "credential", accountId: user.id, password });
  const { token } = await context.internalAdapter.createSession(user.id);
  const signature = createHmac("sha256", process.env.JWT_SECRET).update(token).digest("base64");
  console.log(`${context.authCookies.sessionToken.name}=${encodeURIComponent(`${token}.${signature}`)}`);
}
await pool.end();
