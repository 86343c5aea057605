using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Atelier.Generation.Chat;
using Atelier.Generation.Chat.Jinja;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// Chat templates of others, beside Hugging Face's renderer for JavaScript and Python's Jinja2. ATELIER_TEMPLATES names
/// a folder of .jinja files and ATELIER_JINJA the folder of the npm package @huggingface/jinja; Node runs
/// benchmarks/peers/templates.mjs, and Python, which needs the package Jinja2, benchmarks/peers/templates.py.
/// </summary>
public sealed partial class PeerTemplateTests
{
    // The first gives a lazy sequence to tojson, which in Python is an error and here a list; the second adds to what
    // is marked as safe, which in Python escapes what is added for HTML.
    private static readonly string[] Exceptions =
        ["llama-cpp-deepseek-r1.jinja", "meetkai-functionary-medium-v3.1.jinja"];

    [Fact]
    public void Every_template_writes_what_Jinja2_writes_and_so_does_Hugging_Faces_renderer_where_it_can()
    {
        string? folder = Environment.GetEnvironmentVariable("ATELIER_TEMPLATES"),
            package = Environment.GetEnvironmentVariable("ATELIER_JINJA");
        Assert.SkipWhen(string.IsNullOrEmpty(folder) || string.IsNullOrEmpty(package),
            "ATELIER_TEMPLATES or ATELIER_JINJA is not set");
        string peers = Peer.Folder, conversations = Path.Combine(peers, "conversations.json");
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

    [Fact]
    public void What_a_template_copied_from_messages_is_known_of_every_template()
    {
        string? folder = Environment.GetEnvironmentVariable("ATELIER_TEMPLATES");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "ATELIER_TEMPLATES is not set");
        (string Name, Dictionary<string, object?> Variables)[] given =
            Conversations(Path.Combine(Peer.Folder, "conversations.json"));
        List<string> refused = [], endless = [];
        int written = 0, takeTools = 0, templates = 0;
        foreach (string path in Directory.GetFiles(folder!, "*.jinja").Order(StringComparer.Ordinal))
        {
            string source = File.ReadAllText(path);
            string[] marks = [.. Mark().Matches(source).Select(match => match.Value).Append("<|im_end|>")
                .Except(["</s>"])];
            string[] bytes = [.. Enumerable.Range(0, 256).Select(i => new ByteTokenizer().Name(i))];
            var encoder = new ChatEncoder(new BpeTokenizer([.. bytes, "</s>", .. marks], [],
                new BpeRules { Specials = ["</s>", .. marks] }));
            var template = new ConversationTemplate(source, encoder, "<s>", "</s>");
            templates++;
            takeTools += template.TakesTools() ? 1 : 0;
            if (template.EndId() is null)
                endless.Add(Path.GetFileName(path));
            foreach ((string name, Dictionary<string, object?> variables) in given)
            {
                if ((bool)variables["add_generation_prompt"]! == false)
                    continue;
                ChatTurn[] turns = [.. ((List<object?>)variables["messages"]!).Select(message =>
                    Turn((Dictionary<string, object?>)message!))];
                try
                {
                    int[] ids = encoder.Encode(template.Write(turns, new((List<object?>?)variables["tools"])));
                    written++;
                    // The message names the end of a turn, which only the template may write.
                    ChatTurn[] harmless = [.. turns.Select(turn =>
                        turn with { Text = turn.Text.Replace("<|im_end|>", "?", StringComparison.Ordinal) })];
                    int[] same = encoder.Encode(template.Write(harmless, new((List<object?>?)variables["tools"])));
                    ids.Where(id => id >= 256).ShouldBe(same.Where(id => id >= 256), $"{path}, {name}");
                }
                catch (AtelierException e) when (e.Message.Contains("special tokens", StringComparison.Ordinal))
                {
                    refused.Add($"{Path.GetFileName(path)}, {name}");
                }
                catch (AtelierException)
                {
                    // the template itself refuses such a conversation
                }
            }
        }
        TestContext.Current.SendDiagnosticMessage($"{templates} templates, {takeTools} with calls that are read, "
            + $"{written} texts; no end of an answer is found in {string.Join(", ", endless)}");
        refused.ShouldBeEmpty();
    }

    private static ChatTurn Turn(Dictionary<string, object?> message) =>
        new((string)message["role"]!, (string)message["content"]!)
        {
            Reasoning = (string?)message.GetValueOrDefault("reasoning_content"),
            CallId = (string?)message.GetValueOrDefault("tool_call_id"),
            Name = (string?)message.GetValueOrDefault("name"),
            Calls = (message.GetValueOrDefault("tool_calls") as List<object?>)?.Select(call =>
            {
                var one = (Dictionary<string, object?>)call!;
                var function = (Dictionary<string, object?>)one["function"]!;
                return new ToolCall((string)one["id"]!, (string)function["name"]!, function["arguments"]);
            }).ToList(),
        };

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

    private static Dictionary<string, string?[]> Run(string program, params string[] arguments) =>
        JsonSerializer.Deserialize<Dictionary<string, string?[]>>(Peer.Run(program, arguments))!;

    [GeneratedRegex(@"<[|｜][^<>|｜\s]*[|｜]>|</?s>|\[/?[A-Z_]+\]|<(start|end)_of_turn>")]
    private static partial Regex Mark();
}
