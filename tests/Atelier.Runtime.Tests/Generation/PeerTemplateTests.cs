using System.Diagnostics;
using System.Text.Json;
using Atelier.Generation.Chat.Jinja;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// Chat templates of others, beside Hugging Face's renderer for JavaScript and Python's Jinja2. ATELIER_TEMPLATES names
/// a folder of .jinja files and ATELIER_JINJA the folder of the npm package @huggingface/jinja; Node runs
/// benchmarks/peers/templates.mjs, and Python, which needs the package Jinja2, benchmarks/peers/templates.py.
/// </summary>
public sealed class PeerTemplateTests
{
    // The first gives a lazy sequence to tojson, which in Python is an error and here a list; the second adds to what is
    // marked as safe, which in Python escapes what is added for HTML.
    private static readonly string[] Exceptions =
        ["llama-cpp-deepseek-r1.jinja", "meetkai-functionary-medium-v3.1.jinja"];

    [Fact]
    public void Every_template_writes_what_Jinja2_writes_and_so_does_Hugging_Faces_renderer_where_it_can()
    {
        string? folder = Environment.GetEnvironmentVariable("ATELIER_TEMPLATES"),
            package = Environment.GetEnvironmentVariable("ATELIER_JINJA");
        Assert.SkipWhen(string.IsNullOrEmpty(folder) || string.IsNullOrEmpty(package),
            "ATELIER_TEMPLATES or ATELIER_JINJA is not set");
        string peers = Peers(), conversations = Path.Combine(peers, "conversations.json");
        Dictionary<string, string?[]> scripts = Run("node", Path.Combine(peers, "templates.mjs"), package!, folder!,
            conversations), python = Run("python3", "-B", Path.Combine(peers, "templates.py"), folder!, conversations);

        (string Name, Dictionary<string, object?> Variables)[] given = Conversations(conversations);
        List<string> wrong = [], others = [];
        int equal = 0, refused = 0;
        foreach ((string file, string?[] expected) in python.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            string template = File.ReadAllText(Path.Combine(folder!, file));
            for (int i = 0; i < given.Length; i++)
            {
                string? written = Render(template, given[i].Variables, out string error), script = scripts[file][i];
                string place = $"{file}, {given[i].Name}: ";
                refused += written is null ? 1 : 0;
                equal += written == script ? 1 : 0;
                if (written != expected[i] && (written != script || !Exceptions.Contains(file)))
                    wrong.Add(place + error + Difference(written, expected[i]));
                else if (written != expected[i])
                    others.Add($"{place}as @huggingface/jinja, not as Jinja2{Difference(written, expected[i])}");
                else if (written != script)
                    others.Add($"{place}as Jinja2, not as @huggingface/jinja{Difference(written, script)}");
            }
        }
        TestContext.Current.SendDiagnosticMessage($"{python.Count} templates, {python.Count * given.Length} texts, of "
            + $"which {refused} are refused; {equal} are those of @huggingface/jinja. Where the two others differ:\n"
            + string.Join('\n', others));
        python.Count.ShouldBeGreaterThan(0);
        wrong.ShouldBeEmpty(string.Join('\n', wrong));
    }

    private static string Difference(string? written, string? expected)
    {
        if (written is null || expected is null)
            return written is null ? ", which fails not" : ", which fails";
        int at = written.AsSpan().CommonPrefixLength(expected);
        return $": '{Around(written)}' for '{Around(expected)}'";

        string Around(string text) => text[Math.Max(0, at - 20)..Math.Min(text.Length, at + 40)];
    }

    private static string? Render(string template, Dictionary<string, object?> variables, out string error)
    {
        error = "";
        try
        {
            return JinjaTemplate.Parse(template).Render(variables, new JinjaGoldenTests.FixedClock());
        }
        catch (JinjaException e)
        {
            error = e.Message;
            return null;
        }
    }

    private static (string Name, Dictionary<string, object?> Variables)[] Conversations(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        var names = (Dictionary<string, object?>)JinjaGoldenTests.Value(document.RootElement)!;
        return [.. ((List<object?>)names["conversations"]!).Cast<Dictionary<string, object?>>().Select(one =>
        {
            one["tools"] = one["tools"] is true ? names["tools"] : null;
            one["bos_token"] = names["bos_token"];
            one["eos_token"] = names["eos_token"];
            return ((string)one["name"]!, one);
        })];
    }

    private static Dictionary<string, string?[]> Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return JsonSerializer.Deserialize<Dictionary<string, string?[]>>(output)!;
    }

    private static string Peers()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "benchmarks", "peers", "templates.mjs")))
            folder = Path.GetDirectoryName(folder)!;
        return Path.Combine(folder, "benchmarks", "peers");
    }
}
