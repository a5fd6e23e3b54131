// The event comes before the connection works, and never when it was the server that was away: ask now and then, too.
const retry = () => fetch("/healthz").then(({ ok }) => ok && location.reload(), () => {});
addEventListener("online", retry);
setInterval(retry, 5000);
