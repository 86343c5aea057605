using System.Text.Json.Nodes;
using Atelier.TestSupport;

namespace Atelier.Server.Tests;

/// <summary>OpenAI's client for JavaScript, unchanged; Clients/openai.test.mjs says what it asks.</summary>
public sealed class NodeClientTests(TinyImageModel images)
{
    private static readonly string Folder =
        Path.Combine(Repository.Folder, "tests", "Atelier.Server.Tests", "Clients");

    [Fact]
    public async Task OpenAIs_client_for_JavaScript_understands_every_answer()
    {
        await InstallAsync();
        var others = new List<(string, string)> { ("shapes", await images.Run) };
        var environment = new Dictionary<string, string>();
        string? data = Environment.GetEnvironmentVariable("ATELIER_DATA");
        string minilm = Path.Combine(data ?? "", "weights", "minilm");
        if (File.Exists(Path.Combine(minilm, "model.safetensors")))
        {
            others.Add(("minilm", minilm));
            environment["ATELIER_EMBEDS"] = "1";
        }
        await using TestServer server = await TestServer.StartAsync(null, null, false, [.. others]);
        environment["ATELIER_URL"] = server.Server.Address.ToString().TrimEnd('/');
        (int? code, string output, string error) =
            await Command.RunAsync("node", Folder, environment, "--test", "openai.test.mjs");
        code.ShouldBe(0, output + error);
        output.ShouldContain("pass 9", Case.Sensitive, output);
    }

    /// <summary>
    /// Installs the packages of package-lock.json if they are missing; skips the test where they cannot be had.
    /// </summary>
    private static async Task InstallAsync()
    {
        JsonNode wanted = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, "package.json")))!;
        string installed = Path.Combine(Folder, "node_modules", "openai", "package.json");
        if (File.Exists(installed) && (string)JsonNode.Parse(await File.ReadAllTextAsync(installed))!["version"]!
            == (string)wanted["dependencies"]!["openai"]!)
            return;
        (int? code, _, string error) = await Command.RunAsync("npm", Folder, null,
            "ci", "--no-audit", "--no-fund", "--ignore-scripts");
        string[] lines = error.Split('\n');
        Assert.SkipUnless(code == 0, "the package openai cannot be had: "
            + (Array.Find(lines, line => line.StartsWith("npm error", StringComparison.Ordinal)) ?? lines[0]));
    }
}
