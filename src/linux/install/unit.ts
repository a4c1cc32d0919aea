export interface UnitOptions {
  /** Where the program is, as the device sees it. */
  readonly program: string;
  readonly config: string;
  /** Whether the device has `systemd-notify`, the program that speaks to systemd for the agent. */
  readonly canNotify: boolean;
}

/** Long beside the seconds that a commit may take on a busy eMMC. */
const watchdogSeconds = 120;

/**
 * The systemd unit of the agent. No setting that gives it a mount namespace of its own (ProtectSystem, PrivateTmp,
 * ReadOnlyPaths and their like): it has to see every mount of the host, later ones too, and the engine has to see the mounts
 * that it makes of host paths. No RuntimeDirectory: systemd empties it at each stop, and volumes of running pods lie there.
 */
export function unitText({ program, config, canNotify }: UnitOptions): string {
  return `[Unit]
Description=Edge runtime: pods from a central node on the local Docker engine
# After the engine where there is one, and never because of it: the agent waits for an engine by itself.
After=docker.service network.target
StartLimitIntervalSec=0

[Service]
${canNotify ? notifying : "Type=exec"}
ExecStart=${program} run --config ${config}
# The shell's own kill: a small image has no /bin/kill.
ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
Restart=always
RestartSec=5
# Without a configuration to start with, another try changes nothing.
RestartPreventExitStatus=2
TimeoutStopSec=30

# Above what the agent needs; beyond it, program text that it no longer uses leaves memory. cgroup v2 only.
MemoryHigh=128M
# As Docker's own.
OOMScoreAdjust=-500

NoNewPrivileges=yes
# A core would hold keys and passwords.
LimitCORE=0
# Files of pods for any user, a look at what their processes have mounted, and mounts of host paths for the engine.
CapabilityBoundingSet=CAP_SYS_ADMIN CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_SYS_PTRACE
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

const notifying = `Type=notify
# Node has no unix datagram sockets: systemd-notify, a child, speaks for the agent.
NotifyAccess=all
WatchdogSec=${watchdogSeconds}`;
