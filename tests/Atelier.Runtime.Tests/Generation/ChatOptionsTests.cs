using System.Reflection;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

#pragma warning disable MEAI001 // options that may still change are refused all the same

/// <summary>What a conversation asks for is followed, or refused by name.</summary>
public class ChatOptionsTests
{
    private static readonly string[] Followed =
        ["Temperature", "MaxOutputTokens", "TopP", "TopK", "FrequencyPenalty", "PresencePenalty", "Seed",
            "StopSequences", "ResponseFormat", "Instructions"];

    public static TheoryData<string> Options =>
        [.. typeof(ChatOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => property.Name)];

    [Theory]
    [MemberData(nameof(Options))]
    public async Task Every_option_of_the_interface_is_followed_or_refused_by_name(string name)
    {
        if (Followed.Contains(name))
            return; // by the tests below
        var options = new ChatOptions();
        typeof(ChatOptions).GetProperty(name)!.SetValue(options, name switch
        {
            "ConversationId" or "ModelId" => "other",
            "Tools" => (List<AITool>)[AIFunctionFactory.Create(() => 3, "three")],
            "ToolMode" => ChatToolMode.RequireAny,
            "AllowMultipleToolCalls" or "AllowBackgroundResponses" => true,
            "ContinuationToken" => ResponseContinuationToken.FromBytes(new byte[] { 1 }),
            "Reasoning" => new ReasoningOptions(),
            "RawRepresentationFactory" => (Func<IChatClient, object?>)(_ => null),
            "AdditionalProperties" => new AdditionalPropertiesDictionary { ["mirostat"] = 2 },
            _ => throw new InvalidOperationException($"{name} is new: the client must follow or refuse it"),
        });
        using TextGenerator generator = Make();
        using IChatClient client = new TextChatClient(generator, "letters");
        (await Should.ThrowAsync<AtelierException>(() => client.GetResponseAsync("ab", options))).Where.ShouldBe(name);
        (await Should.ThrowAsync<AtelierException>(async () =>
            await client.GetStreamingResponseAsync("ab", options).ToListAsync())).Where.ShouldBe(name);
    }

    [Fact]
    public async Task What_changes_nothing_is_let_be()
    {
        using TextGenerator generator = Make();
        using IChatClient client = new TextChatClient(generator, "letters");
        var options = new ChatOptions { ModelId = "letters", Tools = [], ToolMode = ChatToolMode.Auto,
            AllowBackgroundResponses = false, AdditionalProperties = [], Instructions = "", Seed = 3,
            ResponseFormat = ChatResponseFormat.Text };
        (await client.GetResponseAsync("ab",
            options)).Text.ShouldBe((await client.GetResponseAsync("ab", new ChatOptions { Seed = 3 })).Text);
    }

    [Fact]
    public async Task Contents_other_than_text_are_refused_by_name()
    {
        using TextGenerator generator = Make();
        using IChatClient client = new TextChatClient(generator, "letters");
        foreach (AIContent content in (AIContent[])[new DataContent(new byte[] { 1 }, "image/png"),
            new UriContent("https://example.org/a.png", "image/png"),
            new FunctionCallContent("1", "f"), new FunctionResultContent("1", 3), new TextReasoningContent("hm"),
                new ErrorContent("no")])
        {
            AtelierException error =
                await Should.ThrowAsync<AtelierException>(() =>
                client.GetResponseAsync([new(ChatRole.User, "a"),
                new(ChatRole.User, [new TextContent("b"), content])]));
            (error.Where, error.Message)
                .ShouldBe((content.GetType().Name, "it is in message 1, but the model reads only text"));
        }
        (await client.GetResponseAsync([new(ChatRole.User, [new TextContent("a"), new TextContent("b")])],
            new ChatOptions { Seed = 1 })).Text
            .ShouldBe((await client.GetResponseAsync("ab", new ChatOptions { Seed = 1 })).Text);
    }

    [Fact]
    public async Task Instructions_are_a_system_s_message_before_the_others_where_the_form_has_one()
    {
        var bytes = new ByteTokenizer();
        using var generator = new TextGenerator(MarkovModel.Random(257, 3), bytes, new() { MaxTokens = 12 }, 256);
        foreach (ChatFormat format in Enum.GetValues<ChatFormat>().Where(f => f != ChatFormat.Template))
        {
            using IChatClient client = new TextChatClient(generator, "m", format);
            var options = new ChatOptions { Seed = 2, Instructions = "be brief" };
            if (format == ChatFormat.Plain)
            {
                (await Should.ThrowAsync<AtelierException>(() =>
                    client.GetResponseAsync("hello", options))).Where.ShouldBe("Instructions");
                continue;
            }
            ChatResponse said = await client.GetResponseAsync("hello", options);
            ChatResponse written =
                await client.GetResponseAsync([new(ChatRole.System, "be brief"), new(ChatRole.User, "hello")],
                new ChatOptions { Seed = 2 });
            (said.Text, said.Usage!.InputTokenCount)
                .ShouldBe((written.Text, written.Usage!.InputTokenCount), format.ToString());
        }
    }

    [Fact]
    public async Task Sampling_that_is_asked_for_is_sampling_whatever_the_model_s_own_settings()
    {
        using TextGenerator searches = Make(new() { BeamWidth = 3, MaxTokens = 10 }),
            samples = Make(new() { MaxTokens = 10 });
        using IChatClient first = new TextChatClient(searches), second = new TextChatClient(samples);
        foreach (ChatOptions options in (ChatOptions[])[new() { Seed = 4, Temperature = 0.7f },
            new() { Seed = 4, TopP = 0.5f }, new() { Seed = 4, TopK = 2 },
            new() { Seed = 4, PresencePenalty = 1 }, new() { Seed = 4, FrequencyPenalty = 1 }])
        {
            (await first.GetResponseAsync("ab",
                options)).Text.ShouldBe((await second.GetResponseAsync("ab", options)).Text);
        }
    }

    [Fact]
    public async Task Options_are_checked_as_the_generator_checks_them()
    {
        using TextGenerator generator = Make();
        using IChatClient client = new TextChatClient(generator, "letters");
        foreach ((ChatOptions options,
            string says) in ((ChatOptions, string)[])[(new() { Temperature = -1 }, "temperature is -1"),
            (new() { TopP = 2 }, "topP is 2"), (new() { TopK = -3 }, "topK is -3"),
            (new() { MaxOutputTokens = 0 }, "maxTokens is 0"),
                (new() { StopSequences = [""] }, "a stop string is empty"),
                (new() { PresencePenalty = 1000 }, "presencePenalty is 1000")])
        {
            (await Should.ThrowAsync<AtelierException>(() => client.GetResponseAsync("ab", options))).ToLine()
                .ShouldContain(says);
        }
        (await client.GetResponseAsync("ab",
            new ChatOptions { MaxOutputTokens = 3, Seed = 2,
            StopSequences = ["zz"] })).Usage!.OutputTokenCount!.Value.ShouldBeLessThanOrEqualTo(3);
        string greedy = (await client.GetResponseAsync("ab", new ChatOptions { Temperature = 0, Seed = 1 })).Text;
        (await client.GetResponseAsync("ab", new ChatOptions { TopK = 1, Seed = 77 })).Text.ShouldBe(greedy);
        (await client.GetResponseAsync("ab", new ChatOptions { TopP = 0, Seed = 78 })).Text.ShouldBe(greedy);
    }

    private static TextGenerator Make(DecodingOptions? defaults = null)
    {
        CharacterTokenizer letters = CharacterTokenizer.Train(["abcdefgh "], byteFallback: false);
        return new TextGenerator(MarkovModel.Random(letters.VocabularySize, 3), letters, defaults
            ?? new() { MaxTokens = 20 }, 0);
    }
}
