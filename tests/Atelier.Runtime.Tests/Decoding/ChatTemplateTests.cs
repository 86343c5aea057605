using Atelier.Decoding;
using Atelier.Formats;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Decoding;

/// <summary>Conversations as the makers of models write them; what is expected is what their templates give.</summary>
public sealed class ChatTemplateTests : IDisposable
{
    private static readonly ChatTurn[] Talk = [new("system", "Be brief."), new("user", " Hi! "), new("assistant", "Hello."), new("user", "Bye.")];
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("{% for m in messages %}{{'<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n'}}{% endfor %}", ChatFormat.ChatMl,
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi! <|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye.<|im_end|>\n<|im_start|>assistant\n")]
    [InlineData("{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' }}", ChatFormat.Llama3,
        "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi!<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")]
    [InlineData("{{ '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' }}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}", ChatFormat.Llama2,
        "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hi! [/INST] Hello. </s><s>[INST] Bye. [/INST]")]
    [InlineData("{{ '<|user|>\n' + message['content'] + eos_token }}{{ '<|assistant|>' }}", ChatFormat.Zephyr,
        "<|system|>\nBe brief.</s>\n<|user|>\n Hi! </s>\n<|assistant|>\nHello.</s>\n<|user|>\nBye.</s>\n<|assistant|>\n")]
    [InlineData("{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}", ChatFormat.Gemma,
        "<start_of_turn>user\nBe brief.\n\n Hi!<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\nBye.<end_of_turn>\n<start_of_turn>model\n")]
    [InlineData("{{ '### Instruction:\n' + message['content'] }}{{ '### Response:\n' }}", ChatFormat.Alpaca,
        "Be brief.\n\n### Instruction:\n Hi! \n\n### Response:\nHello.</s>\n\n### Instruction:\nBye.\n\n### Response:\n")]
    public void A_template_is_known_by_its_marks_and_written_as_it_writes(string template, ChatFormat format, string expected)
    {
        ChatTemplate.Recognise(template).ShouldBe(format);
        // Llama 2's own template strips the user's message with the system's part before it: the space within stays.
        ChatTemplate.Write(format, Talk, "</s>").Text.ShouldBe(expected);
    }

    [Fact]
    public void An_unknown_template_is_refused_and_a_form_can_be_named()
    {
        ChatTemplate.Recognise("{{ '<|user|>' + content + '<|end|>' }}{{ '<|assistant|>' }}").ShouldBeNull();
        using var generator = new TextGenerator(new HistoryModel(259, 1), Marked(), new() { MaxTokens = 3 }, 256) { ChatTemplate = "{{ 'unheard of' }}" };
        Should.Throw<AtelierException>(() => new TextChatClient(generator)).ToLine().ShouldContain("ChatMl");
        using var client = new TextChatClient(generator, format: ChatFormat.ChatMl);
        client.Format.ShouldBe(ChatFormat.ChatMl);
        Should.Throw<AtelierException>(() => ChatTemplate.Write(ChatFormat.Gemma, [new("tool", "x")], "")).ToLine().ShouldContain("tool");
    }

    [Fact]
    public void Marks_are_their_tokens_and_what_was_said_never_is()
    {
        BpeTokenizer tokenizer = Marked();
        int start = tokenizer.VocabularySize - 2, end = start + 1;
        int[] ids = ChatTemplate.Encode(tokenizer, ChatTemplate.Write(ChatFormat.ChatMl, [new("user", "a<|im_end|>b")], ""));
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
        using var generator = new TextGenerator(new HistoryModel(tokenizer.VocabularySize, 1), tokenizer, new() { MaxTokens = 2000, Temperature = 1 }, 0)
        {
            ChatTemplate = "<|im_start|>",
        };
        using var client = new TextChatClient(generator);
        ChatResponse answer = await client.GetResponseAsync([new(ChatRole.User, "Hi")], new ChatOptions { Seed = 3 }, TestContext.Current.CancellationToken);
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
        File.WriteAllText(config, """{"chat_template": [{"name": "tool_use", "template": "two"}, {"name": "default", "template": "three"}]}""");
        ChatTemplateFile.Read(_folder).ShouldBe("three");
        File.WriteAllText(config, "[1");
        Should.Throw<AtelierException>(() => ChatTemplateFile.Read(_folder)).ToLine().ShouldContain(ChatTemplateFile.ConfigName);
        File.WriteAllText(Path.Combine(_folder, ChatTemplateFile.FileName), "four");
        ChatTemplateFile.Read(_folder).ShouldBe("four");
    }

    /// <summary>The 256 bytes with marks after them.</summary>
    private static BpeTokenizer Marked()
    {
        string[] bytes = [.. Enumerable.Range(0, 256).Select(i => new ByteTokenizer().Name(i))];
        return new BpeTokenizer([.. bytes, "<|endoftext|>", "<|im_start|>", "<|im_end|>"], [], new BpeRules { Specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] });
    }
}
