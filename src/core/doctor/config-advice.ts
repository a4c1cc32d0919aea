/** What to do with a configuration file that has changed since the agent read it. */
export const unreadConfigTodo =
  "Run systemctl reload edge for changes of policy and log, systemctl restart edge for all others";

/** What to do with a configuration file that cannot be used. */
export const brokenConfigTodo = "Correct it; edge config check shows every error";
