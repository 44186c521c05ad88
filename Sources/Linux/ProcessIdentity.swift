extension Peer {
    /// Names the process for as long as the machine is up: its pid and when it began, in clock ticks since boot. Another
    /// process that gets the same pid later began later, so it has another name.
    ///
    /// nil where it cannot be told: the process has ended, or lives in another pid namespace.
    package var processIdentity: String? {
        guard pid > 0, let stat = Proc.text("/proc/\(pid)/stat"), let started = Proc.startTime(stat), isAlive else {
            return nil
        }
        return "\(pid):\(started)"
    }
}

extension Proc {
    /// When a process began, from its /proc/PID/stat: the 22nd field (proc_pid_stat(5)). The second is the program's
    /// name, which may hold anything, so counting begins behind its last parenthesis.
    static func startTime(_ stat: String) -> UInt64? {
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
