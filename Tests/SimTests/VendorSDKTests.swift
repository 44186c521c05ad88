import Linux
import Testing
import VendorSDK

@Suite(.serialized) struct `Slack's own SDK` {
    /// Script, and the chapters it tells.
    @Test(
        .disabled(if: PythonSDK.isOffline, "POSTERN_TEST_OFFLINE is set: pip cannot fetch slack_sdk"),
        arguments: [
            ("slack_sdk_story.py", "installed\nlogged in\nused\ntrouble survived\nrevoked\n"),
            (
                "slack_sdk_rotation.py",
                "rotated\nmigrated\nwithout a secret\neverywhere\nlogged in\nmade by manifest\n"
            ),
        ])
    func `finds the simulated Slack to be Slack`(_ script: String, _ chapters: String) throws {
        let packages = try PythonSDK.slack.packages()
        let sim = try Simulated()
        // Without proxies of the environment: the SDK would take them even for loopback.
        let told = try PythonSDK.run(
            ["-I", PythonSDK.file("Python/\(script)"), packages, sim.base],
            environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"])
        #expect(told.ending == .exited(0), "\(told.said)")
        #expect(told.said == chapters)
    }
}

@Suite(.serialized) struct `Lark's own SDK` {
    @Test(
        .disabled(if: PythonSDK.isOffline, "POSTERN_TEST_OFFLINE is set: pip cannot fetch lark-oapi"),
        arguments: ["lark", "feishu"])
    func `finds the simulated Lark and Feishu to be Lark and Feishu`(_ brand: String) throws {
        let packages = try PythonSDK.lark.packages()
        let sim = try Simulated(["--at-root", brand])
        let told = try PythonSDK.run(
            ["-I", PythonSDK.file("Python/lark_oapi_story.py"), packages, sim.base, brand],
            environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"])
        #expect(told.ending == .exited(0), "\(told.said)")
        #expect(told.said == "used\nlooked at\nlogged in\nrefreshed\nsold\ntrouble survived\n")
    }
}

@Suite struct `Genesys' own SDK` {
    @Test(
        .disabled(
            if: PythonSDK.isOffline, "POSTERN_TEST_OFFLINE is set: pip cannot fetch PureCloudPlatformClientV2"))
    func `finds the simulated Genesys Cloud to be Genesys Cloud`() throws {
        let packages = try PythonSDK.genesys.packages()
        let sim = try Simulated()
        let told = try PythonSDK.run(
            ["-I", PythonSDK.file("Python/genesys_sdk_story.py"), packages, sim.base],
            environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"])
        #expect(told.ending == .exited(0), "\(told.said)")
        #expect(told.said == "minted\nlogged in\ntrouble survived\n")
    }
}
