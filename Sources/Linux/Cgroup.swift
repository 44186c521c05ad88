package import Rules

/// What the text of /proc/PID/cgroup means (cgroups(7)). Pure.
package enum Cgroup {
    /// Whether a `unit:` or `cgroup:` selector is true of a process whose file has this text; nil for other selectors.
    package static func text(_ text: String, has selector: Selector) -> Bool? {
        switch selector {
        case .unit(let wanted): systemUnit(text) == wanted
        case .cgroup(let wanted): paths(text).contains { path($0, isIn: wanted) }
        default: nil
        }
    }

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

    /// `wanted` is a path that `path` equals or lies below, or the id of the container whose path it is.
    package static func path(_ path: String, isIn wanted: String) -> Bool {
        guard wanted.hasPrefix("/") else { return container(path) == wanted }
        let base = wanted.hasSuffix("/") ? String(wanted.dropLast()) : wanted
        return !base.isEmpty && (path == base || path.hasPrefix(base + "/"))
    }

    /// The 64-digit id of the container a path belongs to, in the layouts of Docker, Podman, containerd, CRI-O and
    /// Kubernetes: `docker-ID.scope`, `cri-containerd-ID.scope` and the like inside slices of the system, or `/docker/ID`,
    /// `/kubepods/…/ID`, `/libpod_parent/libpod-ID` where no systemd manages cgroups.
    ///
    /// Nothing below user.slice or a service counts, nor below another container: who was given a subtree names what is
    /// in it as he likes. Such a container is named by its whole path.
    package static func container(_ path: String) -> String? {
        guard path.hasPrefix("/") else { return nil }
        let components = path.split(separator: "/")
        guard let first = components.first, first != "user.slice",
            first.hasSuffix(".slice") || withoutSystemd.contains(String(first))
        else { return nil }
        for component in components.dropFirst() {
            if let id = containerID(component) { return id }
            guard !component.hasSuffix(".service"), !component.hasSuffix(".scope"), component != ".." else {
                return nil
            }
        }
        return nil
    }

    /// The topmost cgroups that container engines make by themselves (their cgroupfs drivers).
    private static let withoutSystemd: Set<String> = [
        "docker", "kubepods", "libpod_parent", "machine", "containerd", "default", "k8s.io",
    ]

    private static func containerID(_ component: Substring) -> String? {
        let name = component.hasSuffix(".scope") ? component.dropLast(6) : component
        let id = name.suffix(64)
        let engine = name.dropLast(id.utf8.count)
        guard isContainerID(id), engine.isEmpty ? id.endIndex == component.endIndex : engine.hasSuffix("-") else {
            return nil
        }
        // The process that watches over a container is not in it.
        return engine.contains("conmon") ? nil : String(id)
    }

    /// 64 lower-case hex digits.
    package static func isContainerID(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
