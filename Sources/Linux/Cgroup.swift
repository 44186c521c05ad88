/// What the text of /proc/PID/cgroup means (cgroups(7)). Pure.
package enum Cgroup {
    /// The paths of all hierarchies, the unified one (`0::/…`) first.
    package static func paths(_ text: String) -> [String] {
        var unified: [String] = []
        var others: [String] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0" { unified.append(String(fields[2])) } else { others.append(String(fields[2])) }
        }
        return unified + others
    }

    /// The `.service` unit of the system manager, from the unified hierarchy or systemd's named one.
    ///
    /// A unit is the first component that is no slice. What lies below user.slice belongs to managers of users, who may
    /// name their units as they like; what lies below a service may be named by that service.
    package static func systemUnit(_ text: String) -> String? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, fields[0] == "0" || fields[1] == "name=systemd" else { continue }
            if let unit = unit(inPath: fields[2]) { return unit }
        }
        return nil
    }

    private static func unit(inPath path: Substring) -> String? {
        guard path.hasPrefix("/") else { return nil }
        let components = path.split(separator: "/")
        guard components.first?.hasSuffix(".slice") == true, components.first != "user.slice" else { return nil }
        let unit = components.first { !$0.hasSuffix(".slice") }
        guard let unit, unit.hasSuffix(".service"), unit.count > 8 else { return nil }
        return String(unit)
    }

    /// `wanted` is a path that `path` equals or lies below, or one whole component of it, or the 64-digit container id
    /// inside a component such as `docker-ID.scope`.
    package static func path(_ path: String, isIn wanted: String) -> Bool {
        if wanted.hasPrefix("/") {
            let base = wanted.hasSuffix("/") ? String(wanted.dropLast()) : wanted
            return !base.isEmpty && (path == base || path.hasPrefix(base + "/"))
        }
        let isContainer = wanted.utf8.count == 64 && wanted.allSatisfy(\.isHexDigit)
        return path.split(separator: "/").contains {
            $0 == wanted || isContainer && ($0.hasSuffix("-\(wanted).scope") || $0.hasSuffix("-\(wanted)"))
        }
    }
}
