using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Conversations of training data: how they are read, and which of their tokens are answers.</summary>
public sealed class ConversationEncoderTests : IDisposable
{
    private const string Thinking = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        + "{% if m.reasoning_content and loop.last %}{{ '<think>' + m.reasoning_content + '</think>' }}{% endif %}"
        + "{{ m.content + '<|im_end|>\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    private const string Endless = "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
    private const string Opening =
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' }}"
            + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}";

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Answers_are_the_tokens_that_a_rendering_by_hand_says()
    {
        Tokenizer tokenizer = Make();
        var random = new Random(1);
        for (int trial = 0; trial < 50; trial++)
        {
            // texts that begin with a line end or hold the name of a mark are the hard ones
            string[] words = ["Hi", "\nNo", "It is <|im_end|>", " a  b ", "好"];
            List<ChatTurn> turns = trial % 3 == 0 ? [new("system", "Be brief.")] : [];
            for (int i = random.Next(1, 4); i > 0; i--)
                turns.AddRange([new("user", words[random.Next(5)]), new("assistant", words[random.Next(5)])]);
            int start = Special(tokenizer, "<|im_start|>"), end = Special(tokenizer, "<|im_end|>");
            List<int> ids = [];
            List<TokenStretch> answers = [];
            string between = "";
            foreach (ChatTurn turn in turns)
            {
                ids.AddRange(tokenizer.Encode(between));
                ids.Add(start);
                bool isAnswer = turn.Role == "assistant";
                ids.AddRange(tokenizer.Encode(turn.Role + "\n" + (isAnswer ? "" : turn.Text)));
                int from = ids.Count;
                ids.AddRange(isAnswer ? tokenizer.Encode(turn.Text) : []);
                ids.Add(end);
                if (isAnswer)
                    answers.Add(new(from, ids.Count));
                between = "\n";
            }
            EncodedConversation encoded = Encoder(tokenizer, ConversationEncoder.ChatMl)
                .Encode(new Conversation(turns)).ShouldHaveSingleItem();
            encoded.Ids.ShouldBe(ids);
            encoded.Answers.ShouldBe(answers);
        }
    }

    [Theory]
    [InlineData(ConversationEncoder.ChatMl)]
    [InlineData(Thinking)]
    [InlineData(Endless)]
    public void What_comes_before_an_answer_is_the_prompt_of_a_client(string template)
    {
        Tokenizer tokenizer = Make();
        (string Role, string Text)[] said =
            [("system", "Brief."), ("user", "1+1?"), ("assistant", "2"), ("user", "2+2?"), ("assistant", "4")];
        using var generator = new TextGenerator(new ScriptedModel(tokenizer.VocabularySize, []), tokenizer,
            new DecodingOptions(), Bounds(tokenizer)) { ChatTemplate = template };
        using var client = new TextChatClient(generator);
        ChatMessage[] messages = [.. said.Select(one => new ChatMessage(new ChatRole(one.Role), one.Text))];
        int[][] prompts =
            [.. ((int[])[2, 4]).Select(i => client.CreateRequest(messages[..i]).Generation.PromptIds!.ToArray())];
        ChatTurn[] turns = [.. said.Select(one => new ChatTurn(one.Role, one.Text))];

        IReadOnlyList<EncodedConversation> encoded = Encoder(tokenizer, template).Encode(new Conversation(turns));

        int[][] before = [.. encoded.SelectMany(one => one.Answers.Select(answer => one.Ids[..answer.Start]))];
        before.Length.ShouldBe(2);
        before[0].ShouldBe(prompts[0]);
        // the earlier answer and its end are cut there, but not in a prompt, where both are one text
        tokenizer.Decode(before[1]).ShouldBe(tokenizer.Decode(prompts[1]));
    }

    [Fact]
    public void A_template_that_drops_earlier_reasoning_makes_a_sequence_for_each_answer()
    {
        Tokenizer tokenizer = Make();
        using JsonDocument row = JsonDocument.Parse("""
            {"messages": [{"role": "user", "content": "a"},
              {"role": "assistant", "content": "b", "reasoning_content": "one"}, {"role": "user", "content": "c"},
              {"role": "assistant", "content": "d", "reasoning_content": "two"}]}
            """);
        IReadOnlyList<EncodedConversation> encoded = Encoder(tokenizer, Thinking)
            .Encode(new ConversationReader().Read(row.RootElement, "x"));
        encoded.Select(one => tokenizer.Decode(Answer(one))).ShouldBe(["<think>one</think>b", "<think>two</think>d"]);
        encoded.ShouldAllBe(one => one.Ids.Last() == Special(tokenizer, "<|im_end|>"));
        tokenizer.Decode(encoded[1].Ids).ShouldNotContain("one");
    }

    [Fact]
    public void Without_a_mark_of_its_own_an_answer_ends_with_the_end_of_text()
    {
        Tokenizer tokenizer = Make();
        IReadOnlyList<EncodedConversation> encoded = Encoder(tokenizer, Endless).Encode(new Conversation(
            [new("user", "a"), new("assistant", "b"), new("user", "c"), new("assistant", "d")]));
        encoded.Select(one => tokenizer.Decode(Answer(one))).ShouldBe(["b", "d"]);
        encoded.ShouldAllBe(one => one.Ids.Last() == tokenizer.EndOfTextId);
    }

    [Fact]
    public void A_header_that_asks_for_reasoning_is_left_off_answers_that_have_none()
    {
        Tokenizer tokenizer = Make();
        EncodedConversation encoded = Encoder(tokenizer, Opening)
            .Encode(new Conversation([new("user", "a"), new("assistant", "b")])).ShouldHaveSingleItem();
        tokenizer.Decode(Answer(encoded)).ShouldBe("b");
        tokenizer.Decode(encoded.Ids.AsSpan(0, encoded.Answers[0].Start)).ShouldEndWith("assistant\n");
    }

    [Fact]
    public void Both_forms_of_a_conversation_with_tools_are_the_same()
    {
        const string tools =
            """[{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]""";
        Conversation openAi = Read($$$"""
            {"tools": {{{tools}}}, "messages": [{"role": "developer", "content": "s"},
             {"role": "user", "content": [{"type": "text", "text": "1+"}, {"type": "text", "text": "1?"}]},
             {"role": "assistant", "content": null, "tool_calls": [{"id": "", "type": "function",
               "function": {"name": "add", "arguments": "{\"a\": 1}"}}]},
             {"role": "tool", "content": "2"}, {"role": "assistant", "content": "Two."}]}
            """), shareGpt = Read($$$"""
            {"tools": {{{JsonSerializer.Serialize(tools)}}}, "system": "s", "conversations": [
             {"from": "human", "value": "1+1?"},
             {"from": "function_call", "value": "{\"name\": \"add\", \"arguments\": {\"a\": 1}}"},
             {"from": "observation", "value": "2"}, {"from": "gpt", "value": "Two."}]}
            """);
        JsonElement Seen(Conversation one) => JsonSerializer.SerializeToElement(one.Turns.Select(turn => new
        {
            turn.Role, turn.Text, Calls = turn.Calls?.Select(call => new { call.Name, call.Arguments }),
        }));
        Seen(openAi).GetRawText().ShouldBe(Seen(shareGpt).GetRawText());
        openAi.Turns.Select(turn => turn.Role).ShouldBe(["system", "user", "assistant", "tool", "assistant"]);
        JsonSerializer.Serialize(shareGpt.Tools).ShouldBe(JsonSerializer.Serialize(openAi.Tools));
    }

    [Fact]
    public void An_answer_of_weight_0_is_context()
    {
        Tokenizer tokenizer = Make();
        EncodedConversation encoded = Encoder(tokenizer, ConversationEncoder.ChatMl).Encode(Read("""
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0},
             {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "weight": 1}]}
            """)).ShouldHaveSingleItem();
        tokenizer.Decode(Answer(encoded)).ShouldBe("d");
    }

    private const string A = """{"role": "user", "content": "a"}""", B = """{"role": "assistant", "content": "b"}""";

    [Theory]
    [InlineData("""{"text": "a"}""", "neither 'messages'")]
    [InlineData($$"""{"messages": [{{A}}, {{B}}], "conversations": []}""", "both 'messages' and 'conversations'")]
    [InlineData("""{"messages": []}""", "'messages' is empty")]
    [InlineData("""{"messages": "a"}""", "'messages' is no list")]
    [InlineData("""{"messages": ["a"]}""", "message 1: is not an object")]
    [InlineData($$"""{"messages": [{{A}}]}""", "no message is the assistant's")]
    [InlineData($$"""{"messages": [{{B}}]}""", "no answer to learn")]
    [InlineData($$"""{"messages": [{{A}}, {{B}}, {{A}}]}""", "ends with a message of the user")]
    [InlineData($$"""{"messages": [{{A}}, {"role": "bot", "content": "b"}]}""", "message 2: the role 'bot' is unknown")]
    [InlineData($$"""{"messages": [{{A}}, {"role": "assistant", "content": ""}]}""", "message 2 is an empty answer")]
    [InlineData($$"""{"messages": [{"role": "user"}, {{B}}]}""", "message 1: has no content")]
    [InlineData($$"""{"messages": [{"role": "user", "content": 5}, {{B}}]}""", "message 1: its content is no text")]
    [InlineData($$"""{"messages": [{"role": "user", "content": [{"type": "image_url"}]}, {{B}}]}""", "'image_url'")]
    [InlineData($$"""{"messages": [{"content": "a"}, {{B}}]}""", "message 1: has no text 'role'")]
    [InlineData("""{"conversations": [{"from": "human", "value": "\ud800"}, {"from": "gpt", "value": "b"}]}""",
        "half a surrogate pair")]
    [InlineData("""{"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "b"}]}""",
        "is not JSON")]
    public void What_is_no_conversation_is_refused_in_one_line(string json, string message)
    {
        string line = Should.Throw<AtelierException>(() => Read(json)).ToLine();
        line.ShouldContain(message);
        line.ShouldStartWith("x.jsonl, line 1");
        line.ShouldNotContain("\n");
    }

    [Fact]
    public void Mixed_forms_are_refused()
    {
        var reader = new ConversationReader();
        using JsonDocument first = JsonDocument.Parse($$"""{"messages": [{{A}}, {{B}}]}"""), second =
            JsonDocument.Parse(
                """{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""");
        reader.Read(first.RootElement, "x, line 1");
        Should.Throw<AtelierException>(() => reader.Read(second.RootElement, "x, line 2")).ToLine()
            .ShouldBe("x, line 2: has 'conversations', but the conversations before it have 'messages'; "
                + "write all conversations in the same form");
    }

    private static Conversation Read(string json)
    {
        using JsonDocument row = JsonDocument.Parse(json);
        return new ConversationReader().Read(row.RootElement, "x.jsonl, line 1");
    }

    private static int[] Answer(EncodedConversation one) =>
        one.Ids[one.Answers.ShouldHaveSingleItem().Start..one.Answers[0].End];

    private static ConversationEncoder Encoder(Tokenizer tokenizer, string template) =>
        new(tokenizer, Bounds(tokenizer), template);

    private static TextBounds Bounds(Tokenizer tokenizer) => TextBounds.Of(tokenizer, tokenizer.EndOfTextId!.Value);

    private static int Special(Tokenizer tokenizer, string name) =>
        Enumerable.Range(0, tokenizer.VocabularySize).Single(id => tokenizer.Name(id) == name);

    private Tokenizer Make()
    {
        BpeTokenizer.Train(["user\nassistant\nsystem\n\nThe answer is two. Hi, no."], 300).Save(_file);
        string json = _file + ".json";
        File.Copy(_file, json, overwrite: true);
        try
        {
            return TokenizerFile.Load(json, ["<|im_start|>", "<|im_end|>"], special: true);
        }
        finally
        {
            File.Delete(json);
        }
    }
}
