using System.Text.Json;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

#pragma warning disable MEAI001 // options of reasoning may still change

/// <summary>Tools, their calls and reasoning, in the forms in which models of others write them.</summary>
public sealed class ChatToolTests
{
    // Each writes tools, calls, results and reasoning as the family of its name does.
    private const string Hermes =
        "{% if tools %}{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% endif %}{% for m in messages %}"
            + "{{ '<|im_start|>' + m.role + '\n' }}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>"
            + "{% endif %}{{ m.content }}{% for c in m.tool_calls %}\n<tool_call>\n"
            + "{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n"
            + "</tool_call>{% endfor %}{{ '<|im_end|>\n' }}"
            + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
            + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}{% endif %}";
    private const string Mistral =
        "{% for m in messages %}{% if m.role == 'user' %}{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}"
            + "[/AVAILABLE_TOOLS]{% endif %}[INST]{{ m.content }}[/INST]{% elif m.tool_calls %}[TOOL_CALLS]["
            + "{% for c in m.tool_calls %}{{ (c.function | tojson)[:-1] + ', \"id\": \"' + c.id + '\"}' }}"
            + "{{ ', ' if not loop.last }}{% endfor %}]<|im_end|>{% elif m.role == 'tool' %}[TOOL_RESULTS]"
            + "{{ m.name + m.tool_call_id + m.content }}[/TOOL_RESULTS]{% else %}{{ m.content }}<|im_end|>{% endif %}"
            + "{% endfor %}";
    private const string Llama =
        "{% if tools %}{% for t in tools %}{{ t | tojson(indent=4) }}\n{% endfor %}{% endif %}{% for m in messages %}"
            + "<|im_start|>{{ m.role }}\n{% if m.tool_calls %}{\"name\": \"{{ m.tool_calls[0].function.name }}\", "
            + "\"parameters\": {{ m.tool_calls[0].function.arguments | tojson }}}{% else %}{{ m.content }}{% endif %}"
            + "<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    private const string Xml =
        "{% for t in tools or [] %}{{ t | tojson }}\n{% endfor %}{% for m in messages %}{{ '<|im_start|>' + m.role }}\n"
            + "{{ m.content }}{% for c in m.tool_calls %}\n<tool_call>\n<function={{ c.function.name }}>\n"
            + "{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}"
            + "</function>\n</tool_call>{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}";
    private const string Devstral =
        "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}{% for m in messages %}"
            + "{{ m.content }}{% for c in m.tool_calls %}{{ '[TOOL_CALLS]' + c.function.name + '[ARGS]' }}"
            + "{{ c.function.arguments | tojson }}{% endfor %}{{ '<|im_end|>' }}{% endfor %}";
    private const string Unknown =
        "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}{{ m.content }}"
            + "{% for c in m.tool_calls %}CALL {{ c.function.name }}{% endfor %}{% endfor %}";

    private static readonly AITool[] Tools =
        [AIFunctionFactory.Create((string city, int days) => $"{city} {days}", "weather", "Tells the weather.")];

    [Theory]
    [InlineData(Hermes,
        "I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}}"
        + "\n</tool_call>\n<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"好 \\\"x\\\"\", \"days\": 1}}"
        + "</tool_call>", "I look.", 2)]
    [InlineData(Hermes,
        "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}}", "", 1)]
    [InlineData(Mistral, "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}}, "
        + "{\"name\": \"weather\", \"arguments\": {\"city\": \"好 \\\"x\\\"\", \"days\": 1}}]", "", 2)]
    [InlineData(Mistral, "[{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}}]", "", 1)]
    [InlineData(Llama, "<|python_tag|>{\"name\": \"weather\", \"parameters\": {\"city\": \"Oslo\", \"days\": 2}}; "
        + "{\"name\": \"weather\", \"parameters\": {\"city\": \"好 \\\"x\\\"\", \"days\": 1}}", "", 2)]
    [InlineData(Llama, "{\"name\": \"weather\", \"parameters\": {\"city\": \"Oslo\", \"days\": 2}}", "", 1)]
    [InlineData(Xml,
        "Now.\n<tool_call>\n<function=weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n"
        + "</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=weather>\n<parameter=city>\n好 \"x\"\n"
        + "</parameter>\n<parameter=days>\n1\n</parameter>\n</function>\n</tool_call>", "Now.", 2)]
    [InlineData(Devstral,
        "[TOOL_CALLS]weather[ARGS]{\"city\": \"Oslo\", \"days\": 2}[TOOL_CALLS]weather[CALL_ID]a1[ARGS]"
        + "{\"city\": \"好 \\\"x\\\"\", \"days\": 1}", "", 2)]
    public async Task A_call_in_an_answer_is_a_call_for_the_caller_and_goes_back_with_its_result(string template,
        string answer, string text, int calls)
    {
        using TextGenerator generator = Make(template, answer);
        using var client = new TextChatClient(generator);
        ChatOptions options = new() { Tools = Tools, Seed = 1 };
        List<ChatMessage> talk = [new(ChatRole.User, "Weather?")];
        ChatResponse response = await client.GetResponseAsync(talk, options, TestContext.Current.CancellationToken);
        ChatResponse streamed = (await client.GetStreamingResponseAsync(talk, options,
            TestContext.Current.CancellationToken).ToListAsync()).ToChatResponse();
        foreach (ChatResponse one in (ChatResponse[])[response, streamed])
        {
            one.FinishReason.ShouldBe(ChatFinishReason.ToolCalls);
            one.Text.ShouldBe(text);
            FunctionCallContent[] found = [.. one.Messages.Single().Contents.OfType<FunctionCallContent>()];
            found.Select(call => call.Name).ShouldBe(Enumerable.Repeat("weather", calls));
            found.Select(call => $"{call.Arguments!["city"]} {call.Arguments["days"]}")
                .ShouldBe(((string[])["Oslo 2", "好 \"x\" 1"])[..calls]);
            found.Select(call => call.CallId.Length).ShouldAllBe(length => length == 9);
        }

        talk.AddRange(response.Messages);
        talk.Add(new(ChatRole.Tool, [.. response.Messages.Single().Contents.OfType<FunctionCallContent>()
            .Select(call => new FunctionResultContent(call.CallId, new { sky = "clear" }))]));
        string prompt = Written(client.CreateRequest(talk, options).Generation.PromptIds!);
        prompt.ShouldContain("\"Tells the weather.\"");
        prompt.ShouldContain(template == Xml ? "<parameter=days>\n2\n" : "{\"city\": \"Oslo\", \"days\": 2}");
        prompt.ShouldContain("{\"sky\":\"clear\"}");
        if (template == Mistral)
            prompt.ShouldContain("weather" + response.Messages.Single().Contents.OfType<FunctionCallContent>().First()
                .CallId + "{\"sky\"");
    }

    [Theory]
    [InlineData(Hermes, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \n</tool_call>")]
    [InlineData(Hermes, "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>")]
    [InlineData(Hermes, "a < b, <tool")]
    [InlineData(Llama, "{\"city\": \"Oslo\"}")]
    [InlineData(Llama, "[1, 2] and more")]
    [InlineData(Mistral, "[TOOL_CALLS] none")]
    [InlineData(Devstral, "[TOOL_CALLS]weather[ARGS]none")]
    [InlineData(Xml, "<tool_call>\n<function>\n</tool_call>")]
    public async Task What_is_no_call_of_a_known_tool_stays_text(string template, string answer)
    {
        using TextGenerator generator = Make(template, answer);
        using var client = new TextChatClient(generator);
        ChatResponse response = await client.GetResponseAsync("Weather?", new() { Tools = Tools, Seed = 1 },
            TestContext.Current.CancellationToken);
        response.Text.ShouldBe(answer);
        response.FinishReason.ShouldBe(ChatFinishReason.Stop);
        (await client.GetResponseAsync("Weather?", new() { Tools = Tools, ToolMode = ChatToolMode.None, Seed = 1 },
            TestContext.Current.CancellationToken)).Text.ShouldBe(answer);
    }

    [Fact]
    public void The_schema_tells_which_parameters_of_tags_are_strings()
    {
        var schemas = new Dictionary<string, JsonElement> { ["weather"] = ((AIFunction)Tools[0]).JsonSchema };
        IDictionary<string, object?> arguments = ToolCallText.Read("<tool_call><function=weather><parameter=city>12"
            + "</parameter><parameter=days>12</parameter><parameter=other>[1, {}]</parameter><parameter=more>a\nb"
            + "</parameter></function></tool_call>", schemas, out string rest).Single().Arguments!;
        rest.ShouldBeEmpty();
        arguments["city"].ShouldBe("12");
        ((JsonElement)arguments["days"]!).GetInt32().ShouldBe(12);
        ((JsonElement)arguments["other"]!).GetArrayLength().ShouldBe(2);
        arguments["more"].ShouldBe("a\nb");
    }

    [Fact]
    public async Task Reasoning_is_apart_from_the_answer_and_goes_back_to_the_template()
    {
        using TextGenerator generator = Make(Hermes, "<think>\nHm, two\n</think>\n\nFour.");
        using var client = new TextChatClient(generator);
        List<ChatMessage> talk = [new(ChatRole.User, "2 + 2?")];
        ChatResponse response = await client.GetResponseAsync(talk, new() { Seed = 1 },
            TestContext.Current.CancellationToken);
        response.Text.ShouldBe("Four.");
        response.Messages.Single().Contents.OfType<TextReasoningContent>().Single().Text.ShouldBe("Hm, two");
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync(talk, new() { Seed = 1 },
            TestContext.Current.CancellationToken).ToListAsync();
        updates.Count(update => update.Contents.Any(content => content is TextReasoningContent)).ShouldBeGreaterThan(4);
        string.Concat(updates.Select(update => update.Text)).ShouldBe("Four.");

        talk.AddRange(response.Messages);
        talk.Add(new(ChatRole.User, "3 + 3?"));
        Written(client.CreateRequest(talk).Generation.PromptIds!).ShouldContain("<think>Hm, two</think>Four.");
        ChatOptions hidden = new() { Seed = 1, Reasoning = new() { Output = ReasoningOutput.None } };
        (await client.GetResponseAsync(talk, hidden, TestContext.Current.CancellationToken)).Messages.Single().Contents
            .ShouldAllBe(content => content is TextContent);
        Written(client.CreateRequest(talk, new() { Reasoning = new() { Effort = ReasoningEffort.None } }).Generation
            .PromptIds!)
            .ShouldEndWith("assistant\n<think></think>");
        Written(client.CreateRequest(talk, new() { Reasoning = new() { Effort = ReasoningEffort.High } }).Generation
            .PromptIds!)
            .ShouldEndWith("assistant\n");
    }

    [Fact]
    public async Task An_answer_after_an_opened_reasoning_begins_with_it()
    {
        using TextGenerator generator = Make(Hermes + "<think>", "Hm.</think>Four.");
        using var client = new TextChatClient(generator);
        ChatMessage message = (await client.GetResponseAsync("2 + 2?", new() { Seed = 1 },
            TestContext.Current.CancellationToken)).Messages.Single();
        message.Contents.Select(content => content.ToString()).ShouldBe(["Hm.", "Four."]);
        message.Contents[0].ShouldBeOfType<TextReasoningContent>();
    }

    [Fact]
    public void Any_pieces_of_an_answer_are_read_as_the_whole()
    {
        var random = new Random(3);
        string[] parts =
            ["<think>", "</think>", "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<", "[", " ",
            "\n\n", "a", "{\"name\": \"f\", \"arguments\": {}}", "{", "}", "<thi", "nk>"];
        for (int i = 0; i < 3000; i++)
        {
            string answer = string.Concat(Enumerable.Range(0, random.Next(1, 8))
                .Select(_ => parts[random.Next(parts.Length)]));
            bool reads = random.Next(3) > 0, opens = reads && random.Next(2) == 0;
            Dictionary<string, JsonElement> tools = random.Next(2) == 0 ? new() { ["f"] = default } : [];
            string whole = Read(new AnswerReader(reads, opens, tools), [answer]);
            List<string> pieces = [];
            for (int at = 0; at < answer.Length;)
            {
                int end = Math.Min(answer.Length, at + random.Next(1, 5));
                pieces.Add(answer[at..end]);
                at = end;
            }
            Read(new AnswerReader(reads, opens, tools), pieces).ShouldBe(whole, answer);
            if (tools.Count == 0 && !reads)
                whole.ShouldBe("text:" + answer);
        }

        static string Read(AnswerReader reader, IEnumerable<string> pieces)
        {
            string read = "", kind = "";
            foreach (AIContent content in pieces.SelectMany(reader.Read).ToList().Concat(reader.End()))
            {
                string now = content is TextReasoningContent ? "reasoning:"
                    : content is TextContent ? "text:" : "call:";
                string said = content is FunctionCallContent call ? call.Name : content.ToString()!;
                read += (now == kind ? "" : now) + said;
                kind = now;
            }
            return read;
        }
    }

    [Fact]
    public async Task Tools_are_refused_by_name_where_the_template_has_no_place_for_them()
    {
        foreach (string template in (string[])["{{ messages[0].content }}", Unknown])
        {
            using TextGenerator plain = Make(template, "x");
            using var without = new TextChatClient(plain);
            await Refused(without, new() { Tools = Tools }, "Tools");
            await Refused(without, new() { Reasoning = new() }, "Reasoning");
        }
        using TextGenerator generator = Make(Hermes, "x");
        using var client = new TextChatClient(generator);
        await Refused(client, new() { Tools = Tools, ToolMode = ChatToolMode.RequireAny }, "ToolMode");
        await Refused(client, new() { Tools = Tools, AllowMultipleToolCalls = false }, "AllowMultipleToolCalls");
        await Refused(client, new() { Tools = Tools, ResponseFormat = ChatResponseFormat.Json }, "Tools");
        await Refused(client, new() { Tools = [new HostedWebSearchTool()] }, "Tools");
        await Refused(client, new() { Reasoning = new() { Output = ReasoningOutput.Summary } }, "Reasoning");
        (await client.GetResponseAsync("a", new() { Tools = Tools, AllowMultipleToolCalls = true, Seed = 1 },
            TestContext.Current.CancellationToken)).Text.ShouldBe("x");

        static async Task Refused(TextChatClient client, ChatOptions options, string name) =>
            (await Should.ThrowAsync<AtelierException>(() => client.GetResponseAsync("a", options))).Where
                .ShouldBe(name);
    }

    private static string Written(IReadOnlyList<int> ids) => string.Concat(TestTokenizer.Cut(ids));

    private static TextGenerator Make(string template, string answer)
    {
        BpeTokenizer tokenizer = TestTokenizer.Make();
        int[] script = [.. tokenizer.Encode(answer), 258];
        return new TextGenerator(new ScriptedModel(tokenizer.VocabularySize, script), tokenizer,
            new() { MaxTokens = 1000, Temperature = 0 }, new TextBounds(256, [256])) { ChatTemplate = template };
    }

    /// <summary>The 256 bytes with marks after them.</summary>
    private static class TestTokenizer
    {
        private static readonly string[] Marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

        public static BpeTokenizer Make() => new([.. Enumerable.Range(0, 256).Select(i => new ByteTokenizer().Name(i)),
            .. Marks], [], new BpeRules { Specials = Marks });

        /// <summary>Returns the parts of a text with the names of marks between them.</summary>
        public static IEnumerable<string> Cut(IReadOnlyList<int> ids)
        {
            BpeTokenizer tokenizer = Make();
            for (int from = 0, at = 0; at <= ids.Count; at++)
            {
                if (at < ids.Count && ids[at] < 256)
                    continue;
                yield return tokenizer.DecodeText([.. ids.Skip(from).Take(at - from)]);
                if (at < ids.Count)
                    yield return Marks[ids[at] - 256];
                from = at + 1;
            }
        }
    }
}
