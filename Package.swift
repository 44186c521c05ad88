// swift-tools-version: 6.3
import PackageDescription

/// A program of the package; `uses` names targets from rows above its own.
func program(_ name: String, uses: [String], resources: [Resource] = []) -> Target {
    .executableTarget(name: name, dependencies: uses.map { .byName(name: $0) }, resources: resources)
}

func library(_ name: String, uses: [String] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: uses.map { .byName(name: $0) }, resources: resources)
}

func tests(_ name: String, uses: [String], programs: [String] = []) -> Target {
    .testTarget(name: name + "Tests", dependencies: (uses + programs).map { .byName(name: $0) })
}

let package = Package(
    name: "Postern",
    products: ["posternd", "postern-courier", "postern", "postern-sim", "postern-bench"]
        .map { .executable(name: $0, targets: [$0]) }
        // Only tests load it, into a courier.
        + [.library(name: "IntruderPreload", type: .dynamic, targets: ["IntruderPreload"])],
    targets: [
        // One folder a C library, one importer each; the check script holds the list.
        .systemLibrary(name: "CSodium", path: "Sources/C/CSodium"),
        .systemLibrary(name: "CNettle", path: "Sources/C/CNettle"),
        .systemLibrary(name: "CSQLite", path: "Sources/C/CSQLite"),
        .systemLibrary(name: "CLinux", path: "Sources/C/CLinux"),
        .systemLibrary(name: "CMicroHTTPD", path: "Sources/C/CMicroHTTPD"),
        .systemLibrary(name: "CCurl", path: "Sources/C/CCurl"),

        library("Rules"),
        library("Sealing", uses: ["CSodium", "CNettle"]),
        library("SQLite", uses: ["CSQLite"]),
        library("Linux", uses: ["CLinux", "Sealing", "Rules"]),
        library("HTTPServer", uses: ["CMicroHTTPD", "Linux", "Sealing", "Rules"]),
        library("HTTPClient", uses: ["CCurl"]),
        library("Errands", uses: ["Linux", "Rules"]),
        library("Vault", uses: ["SQLite", "Sealing", "Linux", "Rules"]),
        library("Platforms", uses: ["Sealing", "Rules"]),
        library("Broker", uses: ["Vault", "Platforms", "Errands", "Linux", "Sealing", "Rules"]),
        library(
            "Server", uses: ["Broker", "HTTPServer", "Vault", "Errands", "Platforms", "Linux", "Sealing", "Rules"],
            resources: [.embedInCode("openapi.json")]),

        program(
            "posternd",
            uses: ["Server", "Broker", "Vault", "Errands", "HTTPServer", "Linux", "Sealing", "Platforms", "Rules"]),
        program("postern-courier", uses: ["Errands", "HTTPClient", "HTTPServer", "Linux", "Sealing", "Rules"]),
        program("postern", uses: ["HTTPClient", "Vault", "SQLite", "Sealing", "Linux", "Platforms", "Rules"]),
        program("postern-sim", uses: ["HTTPServer", "Linux", "Sealing", "Rules"]),
        program(
            "postern-bench", uses: ["HTTPServer", "HTTPClient", "Vault", "SQLite", "Sealing", "Linux", "Rules"],
            resources: [.embedInCode("Python/storm.py"), .embedInCode("Python/requirements.txt")]),

        // A disk that loses what was not synced; for tests alone.
        .target(
            name: "CDurabilityVFS", path: "Tests/Support/CDurabilityVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(name: "DurabilityVFS", dependencies: ["CDurabilityVFS"], path: "Tests/Support/DurabilityVFS"),

        tests("Rules", uses: ["Rules"]),
        .target(name: "WebhookVectors", path: "Tests/Support/WebhookVectors"),
        tests("Platforms", uses: ["Platforms", "Sealing", "Rules", "WebhookVectors"]),
        tests("Sealing", uses: ["Sealing"]),
        tests("SQLite", uses: ["SQLite", "DurabilityVFS"]),
        .target(name: "CTamper", path: "Tests/Support/CTamper", linkerSettings: [.linkedLibrary("sqlite3")]),
        tests("Vault", uses: ["Vault", "SQLite", "Sealing", "Linux", "Rules", "DurabilityVFS", "CTamper"]),
        tests("Broker", uses: ["Server", "Broker", "Vault", "Platforms", "Errands", "Sealing", "Linux", "Rules"]),
        .target(name: "VendorSDK", dependencies: ["Linux"], path: "Tests/Support/VendorSDK"),
        tests("Sim", uses: ["Platforms", "HTTPClient", "Linux", "Rules", "VendorSDK"], programs: ["postern-sim"]),
        tests("Errands", uses: ["Errands", "Linux", "Rules"]),
        tests("Courier", uses: ["Errands", "HTTPServer", "Linux", "Sealing", "Rules"], programs: ["postern-courier"]),
        tests("HTTPServer", uses: ["HTTPServer", "HTTPClient", "Linux", "Rules"]),
        tests(
            "CommandLine", uses: ["HTTPServer", "Linux", "Rules"],
            programs: ["postern", "posternd", "postern-courier", "postern-sim"]),
        tests("HTTPClient", uses: ["HTTPServer", "HTTPClient", "Linux", "Rules"]),
        // What only tests start.
        .target(name: "Intruder", path: "Tests/Support/Intruder"),
        .target(name: "IntruderPreload", dependencies: ["Intruder"], path: "Tests/Support/IntruderPreload"),
        .executableTarget(
            name: "linux-probe", dependencies: ["Linux", "Intruder"], path: "Tests/Support/linux-probe"),
        tests("Linux", uses: ["Linux", "Rules"], programs: ["linux-probe"]),
        tests(
            "Daemon", uses: ["Vault", "Platforms", "Sealing", "Linux", "Rules"],
            programs: ["posternd", "postern-courier"]),
        .executableTarget(name: "taken-courier", path: "Tests/Support/taken-courier"),
        .target(name: "Outside", path: "Tests/Support/Outside"),
        tests(
            "EndToEnd",
            uses: [
                "Broker", "Vault", "Platforms", "Errands", "Sealing", "HTTPClient", "Linux", "Rules", "Outside",
                "WebhookVectors", "VendorSDK",
            ],
            programs: [
                "posternd", "postern-courier", "postern", "postern-sim", "taken-courier", "IntruderPreload",
                "linux-probe",
            ]),
        tests(
            "PosternBench", uses: ["Linux"],
            programs: ["postern-bench", "posternd", "postern-courier", "postern", "postern-sim"]),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .treatAllWarnings(as: .error),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableExperimentalFeature("Lifetimes"),
    ]
}
