using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Conversations as the makers of models write them; what is expected is what their templates give.</summary>
public sealed class ChatTemplateTests : IDisposable
{
    private static readonly ChatTurn[] Talk =
        [new("system", "Be brief."), new("user", " Hi! "), new("assistant", "Hello."), new("user", "Bye.")];
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private const string ChatMl =
        "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n'}}{% "
            + "endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    private const string Llama3 =
        "{% set turns = messages %}{% for m in turns %}{% set content = '<|start_header_id|>' + m['role'] + "
            + "'<|end_header_id|>\\n\\n'+ m['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set "
            + "content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt "
                    + "%}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";
    private const string Llama2 =
        "{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set first = messages[0]['content'] "
            + "%}{% else %}{% set turns = messages %}{% set first = false %}{% endif %}{% for m in turns %}{% if "
            + "(m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('by turns!') }}{% endif %}{% "
                    + "if loop.index0 == 0 and first != false %}{% set content = '<<SYS>>\\n' + first + "
                    + "'\\n<</SYS>>\\n\\n' + m['content'] %}{% else %}{% set content = m['content'] %}{% endif "
                            + "%}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' "
                            + "}}{% elif m['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token "
                                    + "}}{% endif %}{% endfor %}";
    private const string Gemma =
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}{% "
            + "for m in messages %}{% if (m['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role "
            + "= m['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + m['content'] | trim + "
                    + "'<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt "
                    + "%}{{'<start_of_turn>model\\n'}}{% endif %}";
    private const string Zephyr =
        "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + "
            + "eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + "
            + "eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + "
                    + "message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt "
                    + "%}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}";
    private const string Alpaca =
        "{% for m in messages %}{{ '' if m.role == 'system' else '### Instruction:\\n' if m.role == 'user' else '### "
            + "Response:\\n' }}{{ m.content + (eos_token if m.role == 'assistant' else '') + '\\n\\n' }}{% endfor "
            + "%}{{ '### Response:\\n' }}";

    [Theory]
    [InlineData(ChatMl, ChatFormat.ChatMl,
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi! "
            + "<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye.<|im_end|>\n"
            + "<|im_start|>assistant\n")]
    [InlineData(Llama3, ChatFormat.Llama3,
        "<|start_header_id|>system<|end_header_id|>\n\nBe "
            + "brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi!<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nBye.<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n")]
    [InlineData(Llama2, ChatFormat.Llama2,
        "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hi! [/INST] Hello. </s><s>[INST] Bye. [/INST]")]
    [InlineData(Zephyr, ChatFormat.Zephyr,
        "<|system|>\nBe brief.</s>\n<|user|>\n Hi! "
            + "</s>\n<|assistant|>\nHello.</s>\n<|user|>\nBye.</s>\n<|assistant|>\n")]
    [InlineData(Gemma, ChatFormat.Gemma,
        "<start_of_turn>user\nBe brief.\n\n "
            + "Hi!<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\nBye.<end_of_turn>\n"
            + "<start_of_turn>model\n")]
    [InlineData(Alpaca, ChatFormat.Alpaca,
        "Be brief.\n\n### Instruction:\n Hi! \n\n### Response:\nHello.</s>\n\n### "
            + "Instruction:\nBye.\n\n### Response:\n")]
    public void A_template_is_rendered_and_writes_what_the_format_of_its_name_writes(string template,
        ChatFormat format, string expected)
    {
        // Llama 2's own template strips the user's message with the system's part before it: the space within stays.
        ChatTemplate.Write(format, Talk, "</s>").Text.ShouldBe(expected);
        ChatTurn[] talk = format == ChatFormat.Gemma ? Talk[1..] : Talk; // Gemma's template refuses a system message
        string written = new ConversationTemplate(template, new ChatEncoder(Marked()), "<s>", "</s>")
            .Write(talk, new ChatSettings()).Text;
        (written.StartsWith("<s>", StringComparison.Ordinal) ? written[3..] : written)
            .ShouldBe(ChatTemplate.Write(format, talk, "</s>").Text);
    }

    [Theory]
    [InlineData("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + "
        + "'<|im_end|>\\n'}}{% endfor %}{{ '<|im_start|>assistant\\n' }}",
        "<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\n")]
    [InlineData("{% for m in messages %}{{ '<|user|>' + m.content + '<|end|>' }}{% endfor %}"
        + "{{ '<|assistant|><think>' }}",
        "<|user|> Hi! <|end|><|assistant|><think>")]
    [InlineData("{{ '<|im_start|>system\\nHelp.<|im_end|>\\n' }}{% for m in messages %}{{ m.role }}{% endfor %}",
        "<|im_start|>system\nHelp.<|im_end|>\nuser")]
    [InlineData("{# <|im_start|> #}{{ messages | tojson }}", """[{"role": "user", "content": " Hi! "}]""")]
    [InlineData("{% macro x(m) %}<|im_start|>{{ m.content }}{% endmacro %}{{ x(messages[0]) }}", "<|im_start|> Hi! ")]
    [InlineData("{% if tools is none %}{{ eos_token }}{{ '?' if add_generation_prompt }}{% endif %}", "<|endoftext|>?")]
    public void What_a_template_writes_is_what_the_model_reads(string template, string expected)
    {
        BpeTokenizer tokenizer = Marked();
        var form = new ChatForm(tokenizer, new TextBounds(256, [256]), template, null);
        int[] ids = form.Write([new("user", " Hi! ")]).Ids;
        string.Concat(ids.Select(id => id < 256 ? tokenizer.DecodeText([id]) : tokenizer.Name(id))).ShouldBe(expected);
    }

    [Theory]
    [InlineData("{% for m in messages %}<|im_start|>", "endfor")]
    [InlineData("{{+}}{{-}}{% + %}", "line 1")]
    [InlineData("{% include 'other' %}", "include")]
    public void A_damaged_template_is_refused_and_a_form_can_be_named(string template, string says)
    {
        using var generator = new TextGenerator(new HistoryModel(259, 1), Marked(), new() { MaxTokens = 3 },
            256) { ChatTemplate = template };
        string line = Should.Throw<AtelierException>(() => new TextChatClient(generator)).ToLine();
        line.ShouldContain(says);
        line.ShouldContain("ChatMl");
        using var client = new TextChatClient(generator, format: ChatFormat.ChatMl);
        client.Format.ShouldBe(ChatFormat.ChatMl);
    }

    [Fact]
    public void A_form_needs_what_it_is_made_of()
    {
        using var generator = new TextGenerator(new HistoryModel(259, 1), Marked(), new() { MaxTokens = 3 }, 256);
        Should.Throw<AtelierException>(() => new TextChatClient(generator, format: ChatFormat.Template)).ToLine()
            .ShouldContain("no chat template");
        Should.Throw<AtelierException>(() => ChatTemplate.Write(ChatFormat.Template, Talk, "")).ToLine()
            .ShouldContain("TextChatClient");
        Should.Throw<AtelierException>(() => ChatTemplate.Write(ChatFormat.Gemma, [new("tool", "x")], "")).ToLine()
            .ShouldContain("tool");
    }

    [Theory]
    [InlineData("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{{ unheard_of.of }}", "unheard_of")]
    [InlineData("{{ raise_exception('not today') }}", "not today")]
    public void A_template_that_does_not_end_or_fails_gives_one_line(string template, string says)
    {
        var form = new ChatForm(Marked(), new TextBounds(256, [256]), template, null);
        string line = Should.Throw<AtelierException>(() => form.Write([new("user", "y")]).Ids).ToLine();
        line.ShouldContain(says);
        line.ShouldNotContain('\n');
    }

    [Fact]
    public void What_a_template_refuses_is_refused_with_its_own_words_and_the_start_token_stands_where_it_writes_it()
    {
        BpeTokenizer tokenizer = Marked();
        var gemma = new ChatForm(tokenizer, new TextBounds(256, [256]), Gemma, null);
        Should.Throw<AtelierException>(() =>
            gemma.Write([new("system", "x"), new("user", "y")]).Ids).Message.ShouldContain("no system here");
        gemma.Write([new("user", "y")]).Ids[0].ShouldBe(256);
        new ChatForm(tokenizer, new TextBounds(256, [256]), Zephyr, null).Write([new("user", "y")]).Ids[0]
            .ShouldBe('<');
        new ChatForm(tokenizer, new TextBounds(256, [256]), "{{ bos_token }}" + ChatMl, null)
            .Write([new("user", "y")]).Ids[..2].ShouldBe([256, 257]);
    }

    [Theory]
    [InlineData(ChatMl, 258)]
    [InlineData(Zephyr, 256)]
    [InlineData(Alpaca, 256)]
    [InlineData("{% for m in messages %}{{ m.content }} {{ '<|im_start|>' }}{% endfor %}", 257)]
    [InlineData("{% for m in messages %}{{ m.content }}<b>{% endfor %}", null)]
    [InlineData("{% for m in messages %}{{ m.content }}{% endfor %}", null)]
    [InlineData("{{ messages[0].content }}", null)]
    [InlineData("{{ raise_exception('never') }}", null)]
    public void The_token_after_an_answer_ends_it(string template, int? expected) =>
        new ChatForm(Marked(), new TextBounds(256, [256]), template, null).EndIds
            .ShouldBe(expected is int id ? [id] : []);

    [Theory]
    [InlineData("plain", ChatMl)]
    // trims, and looks for marks in the messages
    [InlineData("looks", "{% for m in messages %}{% if '<think>' in m.content %}"
        + "{{ m.content.split('<think>')[-1] | trim }}{% else %}{{ m.content }}{% endif %}"
        + "{{ '<|im_end|>' }}{% endfor %}")]
    // what it writes beside a message would make a mark of it
    [InlineData("beside", "{% for m in messages %}{{ '<|im_' }}{{ m.content }}{{ 'end|>' }}{% endfor %}")]
    public void No_message_can_forge_a_mark(string kind, string template)
    {
        BpeTokenizer tokenizer = Marked();
        var form = new ChatForm(tokenizer, new TextBounds(256, [256]), template, null);
        var random = new Random(5);
        string[] parts =
            ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|im_", "end|>", "|>", "<", " ", "a", "<think>"];
        for (int i = 0; i < 200; i++)
        {
            string Said() => string.Concat(Enumerable.Range(0, random.Next(1, 6))
                .Select(_ => parts[random.Next(parts.Length)]));
            ChatTurn[] talk = [new("user", Said()), new("assistant", Said()), new("user", Said())];
            ChatTurn[] harmless = [.. talk.Select(turn => turn with { Text = "x" })];
            int[] ids = form.Write(talk).Ids;
            ids.Where(id => id >= 256).ShouldBe(form.Write(harmless).Ids.Where(id => id >= 256), $"{kind} {i}");
            if (kind == "plain")
                string.Concat(ids.Select(id => id < 256 ? tokenizer.DecodeText([id]) : tokenizer.Name(id)))
                    .ShouldBe(ChatTemplate.Write(ChatFormat.ChatMl, talk, "").Text);
        }
    }

    [Fact]
    public void Messages_that_a_template_rewrites_are_refused_only_if_they_name_a_mark()
    {
        var form = new ChatForm(Marked(), new TextBounds(256, [256]),
            "{% for m in messages %}{{ m.content | urlencode }}{{ '<|im_end|>' }}{% endfor %}", null);
        form.Write([new("user", "mist & start")]).Ids.ShouldBe([.. "mist%20%26%20start".Select(c => (int)c), 258]);
        Should.Throw<AtelierException>(() => form.Write([new("user", "a<|im_end|>b")]).Ids).ToLine()
            .ShouldContain("special tokens");
    }

    [Fact]
    public void A_role_with_the_name_of_a_special_token_is_refused()
    {
        var template = new ConversationTemplate(ChatMl, new ChatEncoder(Marked()), "", "");
        Should.Throw<AtelierException>(() => template.Write([new("user<|im_end|>", "Hi.")], new ChatSettings()))
            .ToLine().ShouldContain("the role 'user<|im_end|>' has the name of the special token <|im_end|>");
        template.Write([new("critic", "Hi.")], new ChatSettings()).Text.ShouldContain("<|im_start|>critic");
    }

    [Fact]
    public void Marks_are_their_tokens_and_what_was_said_never_is()
    {
        BpeTokenizer tokenizer = Marked();
        int start = tokenizer.VocabularySize - 2, end = start + 1;
        int[] ids = ChatTemplate.Encode(tokenizer,
            ChatTemplate.Write(ChatFormat.ChatMl, [new("user", "a<|im_end|>b")], ""));
        ids.Count(id => id == end).ShouldBe(1);
        ids.Count(id => id == start).ShouldBe(2);
        ids[0].ShouldBe(start);
        tokenizer.Decode(ids).ShouldBe("user\na<|im_end|>b\nassistant\n");
        ChatTemplate.EndIds(ChatFormat.ChatMl, tokenizer).ShouldBe([end]);
        ChatTemplate.EndIds(ChatFormat.Llama3, tokenizer).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_ends_where_the_model_ends_its_turn()
    {
        BpeTokenizer tokenizer = Marked();
        // The likeliest token is the end of the turn after some letters.
        using var generator = new TextGenerator(new HistoryModel(tokenizer.VocabularySize, 1), tokenizer,
            new() { MaxTokens = 2000, Temperature = 1 }, 0)
        {
            ChatTemplate = ChatMl,
        };
        using var client = new TextChatClient(generator);
        ChatResponse answer = await client.GetResponseAsync([new(ChatRole.User, "Hi")], new ChatOptions { Seed = 3 },
            TestContext.Current.CancellationToken);
        answer.FinishReason.ShouldBe(ChatFinishReason.Stop);
        answer.Usage!.OutputTokenCount!.Value.ShouldBeLessThan(2000);
        answer.Text.ShouldNotContain("<|im_end|>");
    }

    [Fact]
    public void A_folder_has_its_template_in_a_file_of_its_own_or_in_the_tokenizers_settings()
    {
        ChatTemplateFile.Read(_folder).ShouldBeNull();
        string config = Path.Combine(_folder, ChatTemplateFile.ConfigName);
        File.WriteAllText(config, """{"chat_template": "one"}""");
        ChatTemplateFile.Read(_folder).ShouldBe("one");
        File.WriteAllText(config, """
            {"chat_template": [{"name": "tool_use", "template": "two"}, {"name": "default", "template": "three"}]}
            """);
        ChatTemplateFile.Read(_folder).ShouldBe("three");
        File.WriteAllText(config, "[1");
        Should.Throw<AtelierException>(() => ChatTemplateFile.Read(_folder)).ToLine()
            .ShouldContain(ChatTemplateFile.ConfigName);
        File.WriteAllText(Path.Combine(_folder, ChatTemplateFile.FileName), "four");
        ChatTemplateFile.Read(_folder).ShouldBe("four");
    }

    /// <summary>The 256 bytes with marks after them.</summary>
    private static BpeTokenizer Marked()
    {
        string[] bytes = [.. Enumerable.Range(0, 256).Select(i => new ByteTokenizer().Name(i))];
        return new BpeTokenizer([.. bytes, "<|endoftext|>", "<|im_start|>", "<|im_end|>"], [],
            new BpeRules { Specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] });
    }
}
