import Errands
import Linux
import Testing

@Suite struct `The running courier` {
    private func status(of pid: Int32) throws -> [String: String] {
        let text = try FileDescriptor.open("/proc/\(pid)/status", .read).readToEnd(atMost: 1 << 16)
        var fields: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1].filter { $0 != "\t" && $0 != " " }) }
        }
        return fields
    }

    @Test func `has a system call filter, no way to new privileges, no core dump, and says so`() throws {
        let courier = try LiveCourier()
        let fields = try status(of: courier.newest.pid)
        #expect(fields["Seccomp"] == "2" && fields["NoNewPrivs"] == "1")
        #expect(courier.keeper.report?.seccomp == true)
        let report = try #require(courier.keeper.report)
        #expect(report.landlock > 0 || report.warnings.contains { $0.contains("Landlock") })
        let limits = try FileDescriptor.open("/proc/\(courier.newest.pid)/limits", .read).readToEnd(atMost: 1 << 16)
        let core = String(decoding: limits, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Max core") }
        #expect(core?.split(separator: " ").dropFirst(4).first == "0")
    }

    @Test func `has no descriptor but its channel, its log and its listener`() throws {
        let courier = try LiveCourier()
        let list = Shell.run("/bin/ls", ["/proc/\(courier.newest.pid)/fd"]).split(separator: "\n").compactMap {
            Int($0)
        }
        #expect(list.sorted().prefix(4) == [0, 1, 2, 3] && list.count <= 5, "\(list)")
    }
}
