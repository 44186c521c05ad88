import FoundationEssentials

/// Files below a directory.
enum DirectoryTree {
    static func paths(below directory: String) -> [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []).map { directory + "/" + $0 }
    }
}
