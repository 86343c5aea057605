using Atelier.Data.Text;

namespace Atelier.Data.Conversations;

/// <summary>The conversations of a part of the data as tokens, in two files that are not read into memory.</summary>
/// <param name="tokens">The tokens, a document for each sequence.</param>
/// <param name="answers">1 for each token of an answer, and 0 for the others.</param>
public sealed class ConversationPart(TokenFile tokens, TokenFile answers) : IDisposable
{
    /// <summary>The number of sequences: of conversations, or of answers where each is a sequence of its own.</summary>
    public int Count => (int)tokens.DocumentCount;

    /// <summary>The number of tokens.</summary>
    public long TokenCount => tokens.Count;

    /// <summary>Returns the number of tokens of a sequence.</summary>
    public int LengthOf(int index) => (int)tokens.Document(index).Length;

    /// <summary>Returns the tokens of a sequence.</summary>
    public int[] Ids(int index) => Read(tokens, index);

    /// <summary>Returns whether each token of a sequence is one of an answer, which the model has to write.</summary>
    public bool[] Answers(int index) => Array.ConvertAll(Read(answers, index), mark => mark == 1);

    /// <inheritdoc/>
    public void Dispose()
    {
        tokens.Dispose();
        answers.Dispose();
    }

    private static int[] Read(TokenFile file, int index)
    {
        DocumentEntry document = file.Document(index);
        int[] ids = new int[document.Length];
        for (int done = 0; done < ids.Length;)
            done += file.Read(document.Start + done, ids.AsSpan(done));
        return ids;
    }
}
