// Two processes that share a port, as Node's cluster does it.
import cluster from "node:cluster";
import http from "node:http";
import { toNodeHandler } from "better-auth/node";
import { auth } from "./auth.mjs";

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  http.createServer(toNodeHandler(auth)).listen(Number(process.env.PORT), "127.0.0.1");
}
