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
    public void A_template_is_known_by_what_it_writes(string template, ChatFormat format, string expected)
    {
        ChatTemplate.Recognise(template).ShouldBe(format);
        // Llama 2's own template strips the user's message with the system's part before it: the space within stays.
        ChatTemplate.Write(format, Talk, "</s>").Text.ShouldBe(expected);
    }

    [Theory]
    // trims, and so differs for one probe
    [InlineData("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + "
        + "'<|im_end|>\\n'}}{% endfor %}{{ '<|im_start|>assistant\\n' }}")]
    [InlineData("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n'}}{% "
        + "endfor %}{{ '<|im_start|>assistant\\n<think>' }}")]
    [InlineData("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + "
        + "'<|im_end|>\\n'}}{% endfor %}")]
    [InlineData("{{ '<|im_start|>system\\nHelp.<|im_end|>\\n' }}{% for m in messages %}{{'<|im_start|>' + m['role'] "
        + "+ '\\n' + m['content'] + '<|im_end|>\\n'}}{% endfor %}{{ '<|im_start|>assistant\\n' }}")]
    [InlineData("{# <|im_start|> #}{{ messages | tojson }}")]
    [InlineData("<|im_start|>")]
    [InlineData("{% macro x() %}<|im_start|>{% endmacro %}")]
    [InlineData("{% for m in messages %}{{ '<|user|>' + m.content + '<|end|>' }}{% endfor %}{{ '<|assistant|>' }}")]
    [InlineData("{% for m in messages %}<|im_start|>")]
    [InlineData("{{+}}{{-}}{% + %}")]
    public async Task A_template_that_writes_more_or_less_than_a_form_is_refused_when_it_is_used(string template)
    {
        using var generator = new TextGenerator(new HistoryModel(259, 1), Marked(), new() { MaxTokens = 3 },
            256) { ChatTemplate = template };
        AtelierException error = await Should.ThrowAsync<AtelierException>(async () =>
        {
            using var client = new TextChatClient(generator);
            await client.GetResponseAsync([new(ChatRole.User, " Hi! ")], new ChatOptions { Seed = 1 },
                TestContext.Current.CancellationToken);
        });
        error.ToLine().ShouldContain("template");
        error.ToLine().ShouldContain("form");
    }

    [Fact]
    public async Task A_template_with_a_system_message_of_its_own_is_used_where_the_conversation_has_one()
    {
        const string template =
            "{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
                + "'<|im_start|>system\\nHelp.<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + m['role'] + '\\n' + "
                + "m['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{{ '<|im_start|>assistant\\n' }}";
        using var generator = new TextGenerator(new HistoryModel(259, 1), Marked(), new() { MaxTokens = 3 },
            256) { ChatTemplate = template };
        using var client = new TextChatClient(generator);
        client.Format.ShouldBe(ChatFormat.ChatMl);
        await client.GetResponseAsync([new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hi!")],
            new ChatOptions { Seed = 1 }, TestContext.Current.CancellationToken);
        AtelierException error =
            await Should.ThrowAsync<AtelierException>(() =>
            client.GetResponseAsync([new(ChatRole.User, "Hi!")], new ChatOptions { Seed = 1 },
            TestContext.Current.CancellationToken));
        error.Message.ShouldContain("system");
        error.Hint!.ShouldContain("give one");
    }

    [Fact]
    public void What_a_template_refuses_is_refused_with_its_own_words_and_the_start_token_stands_where_it_writes_it()
    {
        BpeTokenizer tokenizer = Marked();
        var gemma = new ChatForm(tokenizer, new TextBounds(256, [256]), Gemma, null);
        Should.Throw<AtelierException>(() =>
            gemma.Ids([new("system", "x"), new("user", "y")])).Message.ShouldContain("no system here");
        gemma.Ids([new("user", "y")])[0].ShouldBe(256);
        new ChatForm(tokenizer, new TextBounds(256, [256]), Zephyr, null).Ids([new("user", "y")])[0].ShouldBe('<');
        new ChatForm(tokenizer, new TextBounds(256, [256]), "{{ bos_token }}" + ChatMl, null)
            .Ids([new("user", "y")])[..2].ShouldBe([256, 257]);
    }

    [Fact]
    public void An_unknown_template_is_refused_and_a_form_can_be_named()
    {
        using var generator = new TextGenerator(new HistoryModel(259, 1), Marked(), new() { MaxTokens = 3 },
            256) { ChatTemplate = "{{ 'unheard of' }}" };
        Should.Throw<AtelierException>(() => new TextChatClient(generator)).ToLine().ShouldContain("ChatMl");
        using var client = new TextChatClient(generator, format: ChatFormat.ChatMl);
        client.Format.ShouldBe(ChatFormat.ChatMl);
        Should.Throw<AtelierException>(() => ChatTemplate.Write(ChatFormat.Gemma, [new("tool", "x")], "")).ToLine()
            .ShouldContain("tool");
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
