using System.Diagnostics;
using System.Text.Json.Nodes;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>A disk that is full: uploads go to a file system of two megabytes.</summary>
public sealed class DiskFullTests
{
    private static readonly string[] SmallDisk =
    [
        "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
        "mkdir -p uploads && mount -t tmpfs -o size=2m tmpfs uploads && exec \"$@\"", "sh",
    ];

    [Fact]
    public async Task An_upload_that_does_not_fit_is_answered_with_507_and_leaves_nothing_behind()
    {
        Assert.SkipUnless(CanMount(), "no file systems may be mounted here");
        using var folder = new TemporaryFolder();
        using ToolServer server = await ToolServer.StartAsync(folder, SmallDisk);
        (int status, JsonNode answer) = await UploadAsync(5_000_000);
        status.ShouldBe(507, answer.ToJsonString());
        ((string)answer["error"]!["code"]!).ShouldBe("disk_full");
        ((string)answer["error"]!["message"]!).ShouldNotContain("\n");
        for (int i = 0; i < 3; i++)
        {
            // had anything been left, there would be no room
            (status, answer) = await UploadAsync(1_500_000);
            status.ShouldBe(201, answer.ToJsonString());
            using HttpResponseMessage deleted = await server.Http.DeleteAsync($"v1/atelier/data/{answer["id"]}",
                TestContext.Current.CancellationToken);
            ((int)deleted.StatusCode).ShouldBe(204);
        }

        async Task<(int, JsonNode)> UploadAsync(int bytes)
        {
            using var form = new MultipartFormDataContent();
            using var part = new ByteArrayContent(new byte[bytes]);
            form.Add(part, "file", "large.bin");
            using HttpResponseMessage response = await server.Http.PostAsync("v1/atelier/data", form,
                TestContext.Current.CancellationToken);
            return ((int)response.StatusCode, JsonNode.Parse(
                await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!);
        }
    }

    private static bool CanMount()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/unshare"))
            return false;
        using var trial = Process.Start("unshare", ["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs",
            "tmpfs", "/mnt"]);
        trial.WaitForExit();
        return trial.ExitCode == 0;
    }
}
